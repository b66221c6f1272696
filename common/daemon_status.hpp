// What a daemon answers to "status" (docs/formats/control.md): what all have in common, around what each has itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "common/json.hpp"

namespace smtpauth {

/// Version, pid and uptime, then the daemon's own figures, then the last lines of its log that tell of a problem.
json::object daemon_status(std::chrono::nanoseconds uptime, const json::object& own);

/// As times are given: RFC 3339, in UTC.
std::string utc_text(std::chrono::sys_seconds time);

/// Whole seconds, as figures whose names end in "_s" are given.
std::int64_t whole_seconds(std::chrono::nanoseconds duration);

} // namespace smtpauth
