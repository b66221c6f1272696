// The words of the log lines that stand for values, both ways.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "proto/event/record.hpp"

namespace smtpauth {

inline constexpr std::string_view null_sender = "<>";

/// What records that are of no mail have in place of an Action.
inline constexpr std::array<std::pair<event::RecordType, std::string_view>, 4> type_names{
    {{event::RecordType::attempt, "attempt"},
     {event::RecordType::block, "block"},
     {event::RecordType::unblock, "unblock"},
     {event::RecordType::loss, "loss"}}};

inline constexpr std::array<std::pair<event::Action, std::string_view>, 6> action_names{
    {{event::Action::accept, "accept"},
     {event::Action::warn, "warn"},
     {event::Action::hold, "hold"},
     {event::Action::reject, "reject"},
     {event::Action::tempfail, "tempfail"},
     {event::Action::discard, "discard"}}};

inline constexpr std::array<std::pair<event::Stage, std::string_view>, 3> stage_names{
    {{event::Stage::mail, "mail"}, {event::Stage::rcpt, "rcpt"}, {event::Stage::eom, "eom"}}};

template <class Names, class Value>
std::string_view name_of(const Names& names, Value value)
{
    for (const auto& [candidate, name] : names) {
        if (candidate == value)
            return name;
    }
    return {};
}

template <class Names, class Value>
bool parse_name(const Names& names, std::string_view text, Value& value)
{
    for (const auto& [candidate, name] : names) {
        if (name == text) {
            value = candidate;
            return true;
        }
    }
    return false;
}

} // namespace smtpauth
