// What alarms must not forget over a restart, as one file: docs/formats/alarm.md. It says which records it knows of;
// those behind are read from the logs. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/alert/alarm.hpp"
#include "collector/alert/incidents.hpp"
#include "collector/stats_log/cursors.hpp"

namespace smtpauth {

struct AlarmState {
    Cursors stats;   ///< records of the stats log that are in it
    Cursors rejects; ///< of the rejects log
    Incidents::OpenIncidents open;
    std::vector<Alarm> mail; ///< not delivered yet
    std::vector<Alarm> hook;
};

std::string state_to_text(const AlarmState& state);

/// Nothing where the text is anything but what state_to_text() writes.
std::optional<AlarmState> parse_alarm_state(std::string_view text);

} // namespace smtpauth
