// What the hook gets: a notice as one line of JSON (docs/formats/alarm.md).
#pragma once

#include <string>

#include "collector/alert/alarm.hpp"
#include "collector/alert/alarm_text.hpp"

namespace smtpauth {

/// @return  a line, LF included.
std::string json_of(const Notice& notice, const AlarmPlace& place);

} // namespace smtpauth
