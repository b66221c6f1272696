#include "collector/status.hpp"

#include <utility>

#include "proto/event/record_id.hpp"

namespace smtpauth {

namespace {

json::object log_to_json(const std::string& path, const RecordLogs::Counters& counters)
{
    return {{"file", json_text(path)}, {"records", counters.written}, {"duplicates_dropped", counters.duplicates}};
}

} // namespace

json::object to_json(const CollectorStatus& status)
{
    json::array filters;
    for (const Receiver::Peer& filter : status.filters)
        filters.push_back({{"instance", json_text(filter.instance)},
                           {"journal", json_text(event::journal_to_string(filter.journal))},
                           {"last_received", filter.last_received},
                           {"last_acknowledged", filter.last_acknowledged}});
    json::object result{{"filters", std::move(filters)},
                        {"stats_log", log_to_json(status.stats_log, status.logs.stats)},
                        {"rejects_log", log_to_json(status.rejects_log, status.logs.rejects)},
                        {"waiting",
                         {{"records", status.waiting.records},
                          {"used_bytes", status.waiting.bytes},
                          {"limit_bytes", status.waiting.max_bytes},
                          {"writing", status.logs.writing}}},
                        {"alarms", to_json(status.alarms)}};
    if (!status.logs.problem.empty())
        result.emplace("logs_cannot_be_written", json_text(status.logs.problem));
    return result;
}

} // namespace smtpauth
