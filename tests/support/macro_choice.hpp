// What an MTA does with the macro lists of the negotiation: it sends only what was asked for.
#pragma once

#include <string>
#include <string_view>

#include "proto/milter/mta_session.hpp"

namespace smtpauth::test {

inline std::string_view without_braces(std::string_view name)
{
    return name.size() > 2 && name.front() == '{' && name.back() == '}' ? name.substr(1, name.size() - 2) : name;
}

/// The pairs that the filter's list for this stage names; all where it has no list.
/// @param pairs  name, value, name, value, ..., each ending in NUL.
inline std::string asked_for(const milter::MtaSession& mta, char stage, const std::string& pairs)
{
    const std::size_t at = std::string_view("CHMRTEN").find(stage); // in the order of MacroStage
    const std::string list =
        at == std::string_view::npos ? "" : " " + mta.macro_list(static_cast<milter::MacroStage>(at)) + " ";
    if (list.size() <= 2)
        return pairs;

    const auto is_listed = [&list](std::string_view name) {
        const std::string bare(without_braces(name));
        return list.find(" " + bare + " ") != std::string::npos || list.find(" {" + bare + "} ") != std::string::npos;
    };
    std::string chosen;
    milter::Bytes rest = pairs;
    while (const auto name = milter::take_string(rest)) {
        const auto value = milter::take_string(rest);
        if (value && is_listed(*name)) {
            milter::append_string(chosen, *name);
            milter::append_string(chosen, *value);
        }
    }
    return chosen;
}

} // namespace smtpauth::test
