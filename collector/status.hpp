// What the collector answers to "status": the figures of its parts as one value, and that as JSON.
#pragma once

#include <string>
#include <vector>

#include "collector/delivery/alarm_status.hpp"
#include "collector/receiver.hpp"
#include "collector/stats_log/log_worker.hpp"
#include "common/json.hpp"

namespace smtpauth {

struct CollectorStatus {
    std::vector<Receiver::Peer> filters;
    Receiver::Waiting waiting;
    LogWorker::Status logs;
    std::string stats_log; ///< paths
    std::string rejects_log;
    AlarmStatus alarms;
};

json::object to_json(const CollectorStatus& status);

} // namespace smtpauth
