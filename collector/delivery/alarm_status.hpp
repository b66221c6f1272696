// How alarms are doing, for the collector's status.
#pragma once

#include <cstdint>

#include "collector/alert/incidents.hpp"
#include "collector/alert/outbox.hpp"
#include "common/json.hpp"

namespace smtpauth {

struct AlarmStatus {
    std::size_t open = 0;     ///< incidents
    std::uint64_t raised = 0; ///< alarms and closing notes, since the start
    Incidents::Memory memory;
    std::uint64_t max_bytes = 0;
    bool mail_is_on = false;
    bool hook_is_on = false;
    Outbox::Status mail;
    Outbox::Status hook;
};

json::object to_json(const AlarmStatus& status);

} // namespace smtpauth
