// A log line as replay needs it: of this project's collector or of its predecessor (docs/formats/stats-log.md), whose
// lines have no id, their labels in any order and the name of a time zone. Fast: it leaves out what no rule asks for.
#pragma once

#include <string>
#include <string_view>

#include "proto/event/record.hpp"

namespace smtpauth {

/// @param line    with or without its line feed.
/// @param record  overwritten; keeps its memory. Where the line does not tell milliseconds, eom_time is the last one of
///                its second: no decision is dated before the mail that it is about.
/// @return  "", or what is wrong: which label, what was expected. Nothing of the line is quoted.
std::string read_replay_line(std::string_view line, event::Record& record);

} // namespace smtpauth
