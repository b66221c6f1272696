// Times as the logs show them: local time with its offset, `YYYY-MM-DD HH:MM:SS +hhmm`. Knows the machine's
// time zone by localtime_r, so call tzset() once at the start of the process.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "proto/event/record.hpp"

namespace smtpauth {

/// Appends the time, cut to whole seconds.
void append_local_time(std::string& out, event::Time time);

/// What append_local_time() wrote, whatever the time zone is now. Nothing where it is anything else.
std::optional<event::Time> parse_local_time(std::string_view text);

/// The local date, "YYYYMMDD": of two dates the later is the greater string.
std::string local_date(event::Time time);

} // namespace smtpauth
