#include "collector/alert/notice_json.hpp"

#include <utility>

#include "collector/alert/alarm_json.hpp"
#include "collector/alert/commands.hpp"

namespace smtpauth {

namespace {

json::object commands(const Alarm& alarm, const AlarmPlace& place)
{
    json::object commands;
    if (!alarm.queue_ids.empty())
        commands.emplace("hold", json_text(hold_command(alarm.queue_ids)));
    if (alarm.account.empty())
        return commands;
    commands.emplace("hold_all", json_text(hold_all_command(alarm.account, place.stats_log)));
    commands.emplace("block", json_text(block_command(alarm.account)));
    commands.emplace("unblock", json_text(unblock_command(alarm.account)));
    commands.emplace("show", json_text(show_command(alarm.account)));
    return commands;
}

} // namespace

std::string json_of(const Notice& notice, const AlarmPlace& place)
{
    json::array alarms;
    for (const Alarm& alarm : notice.alarms) {
        json::object object = to_json(alarm);
        object.emplace("commands", commands(alarm, place));
        alarms.emplace_back(std::move(object));
    }
    return json::serialize(json::object{{"version", 1},
                                        {"host", json_text(place.host)},
                                        {"subject", json_text(subject_of(notice))},
                                        {"alarms", std::move(alarms)}}) +
           '\n';
}

} // namespace smtpauth
