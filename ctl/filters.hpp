// Asks every filter of the configuration the same, and says what each answers.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/control.hpp"
#include "ctl/command_line.hpp"

namespace smtpauth {

/// Prints the answers: as JSON, {"filters": [{"daemon", "result" or "error"}]}, or for people.
/// @param request  as control_request() makes it. @param said  what an answer says to people, behind the filter's name.
/// @return  the exit status: 1 where a filter did not do it.
int ask_filters(const CommandLineOptions& options, const std::string& request,
                const std::function<std::string(const json::object&)>& said);

/// A text member, harmless on a terminal; "" where it is none.
std::string printable_member(const json::object& object, std::string_view name);

/// The objects of an array member; none where it is none.
std::vector<json::object> object_members(const json::object& answer, std::string_view name);

} // namespace smtpauth
