// Alarms as JSON, both ways: docs/formats/alarm.md.
#pragma once

#include <optional>
#include <string_view>

#include "collector/alert/alarm.hpp"
#include "common/json.hpp"

namespace smtpauth {

json::object to_json(const Alarm& alarm);

/// Nothing where there is no such grade.
std::string_view to_text(Grade grade);
std::optional<Grade> parse_grade(std::string_view text);

/// Nothing where the value is anything but what to_json() makes; members that are not known are passed over.
std::optional<Alarm> alarm_from_json(const json::value& value);

} // namespace smtpauth
