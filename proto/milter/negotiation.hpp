// Option negotiation (SMFIC_OPTNEG): what an MTA offers, what a filter wishes, and what both then keep to for as
// long as the connection lives. Never asks for more than was offered: Sendmail would drop the filter.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "proto/milter/command.hpp"
#include "proto/milter/constants.hpp"

namespace smtpauth::milter {

/// What a filter would like to have.
struct Wish {
    std::uint32_t actions = 0;
    std::uint32_t protocol = 0;
    /// Names separated by blanks, by MacroStage; asked for only together with action::set_macro_lists. An empty list
    /// keeps the MTA's own, so it is not sent (to Sendmail an empty list would mean: no macros).
    std::array<std::string_view, macro_stages> macro_lists{};
};

/// What both sides keep to.
struct Agreement {
    std::uint32_t version = newest_version;
    std::uint32_t actions = 0;
    std::uint32_t protocol = 0;

    bool has(std::uint32_t protocol_bit) const { return (protocol & protocol_bit) != 0; }
    bool may(std::uint32_t action_bit) const { return (actions & action_bit) != 0; }
};

/// The filter's side: the part of the wish that was offered. Malformed if the MTA's version is below 2.
std::variant<Malformed, Agreement> negotiate(const Negotiate& offer, const Wish& wish);

/// Appends the filter's answer, with the macro lists if they were agreed on.
void append_negotiation(std::string& out, const Agreement& agreement, const Wish& wish);

/// The MTA's side: checks an answer as Sendmail does. Malformed: a version below 2 or above the offer's, or bits
/// that were not offered.
std::variant<Malformed, Agreement> check_negotiation(const Negotiate& offer, const Negotiate& answer);

/// The MTA's side: the macro lists of an answer, by stage; empty where the MTA's own list stays. Reading stops at the
/// first entry that is cut short or names no stage, as Sendmail's does.
std::array<std::string, macro_stages> read_macro_lists(Bytes macro_lists);

} // namespace smtpauth::milter
