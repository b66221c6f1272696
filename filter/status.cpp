#include "filter/status.hpp"

#include <algorithm>
#include <utility>

#include "common/daemon_status.hpp"

namespace smtpauth {

namespace {

json::object records_to_json(const FilterStatus& status, Clock::WallTime now)
{
    const std::uint64_t waiting = status.last - std::min(status.last, status.acknowledged);
    json::object records{{"journaled", status.last},
                         {"sent", std::max(status.sender.sent, status.acknowledged)},
                         {"acknowledged", status.acknowledged},
                         {"waiting", waiting}};
    // The clock may have gone back since.
    if (waiting != 0 && status.sender.oldest)
        records.emplace("oldest_waiting_s", std::max<std::int64_t>(whole_seconds(now - *status.sender.oldest), 0));
    return records;
}

/// An error stands there as long as it lasts.
json::object with_error(json::object object, const std::string& error)
{
    if (!error.empty())
        object.emplace("error", json_text(error));
    return object;
}

} // namespace

json::object to_json(const FilterStatus& status, Clock::WallTime now)
{
    json::object closed;
    for (std::size_t why = 0; why < closed_names.size(); ++why)
        closed.emplace(json_text(closed_names[why]), status.closed[why]);
    return {{"connections", status.connections},
            {"held_bytes", status.held_bytes},
            {"closed", std::move(closed)},
            {"messages", {{"passed", status.decisions.passed}, {"refused", status.decisions.refused}}},
            {"accounts",
             {{"known", status.accounts.accounts},
              {"used_bytes", status.accounts.bytes},
              {"limit_bytes", status.state_max_bytes},
              {"forgotten_early", status.accounts.evicted}}},
            {"records", records_to_json(status, now)},
            {"lost", {{"messages", status.journal.lost.messages}, {"others", status.journal.lost.others}}},
            {"journal", with_error({{"used_bytes", status.journal.used_bytes},
                                    {"limit_bytes", status.journal_max_bytes},
                                    {"waiting_replies", status.waiting_replies}},
                                   status.journal.error)},
            {"collector", with_error({{"socket", json_text(status.collector)}, {"connected", status.sender.connected}},
                                     status.sender.error)}};
}

} // namespace smtpauth
