#include "collector/alert/alarm_state.hpp"

#include <utility>

#include "collector/alert/alarm_json.hpp"
#include "proto/ltsv/ltsv.hpp"

namespace smtpauth {

namespace {

constexpr int version = 1;

json::array cursors_to_json(const Cursors& cursors)
{
    json::array ids;
    for (const event::RecordId& id : cursors.list())
        ids.emplace_back(json_text(to_string(id)));
    return ids;
}

json::array alarms_to_json(const std::vector<Alarm>& alarms)
{
    json::array array;
    for (const Alarm& alarm : alarms)
        array.emplace_back(to_json(alarm));
    return array;
}

/// Null where there is none of that name.
const json::array* array_of(const json::object& object, std::string_view name)
{
    const json::value* const value = object.if_contains(name);
    return value != nullptr ? value->if_array() : nullptr;
}

bool take_cursors(const json::object& object, std::string_view name, Cursors& cursors)
{
    const json::array* const ids = array_of(object, name);
    if (ids == nullptr)
        return false;
    for (const json::value& value : *ids) {
        const auto id = value.is_string() ? event::parse_record_id(std::string_view(value.get_string())) : std::nullopt;
        if (!id)
            return false;
        cursors.advance(*id);
    }
    return true;
}

bool take_alarms(const json::object& object, std::string_view name, std::vector<Alarm>& alarms)
{
    const json::array* const array = array_of(object, name);
    if (array == nullptr)
        return false;
    for (const json::value& value : *array) {
        auto alarm = alarm_from_json(value);
        if (!alarm)
            return false;
        alarms.push_back(*std::move(alarm));
    }
    return true;
}

bool take_incident(const json::value& value, Incidents::OpenIncidents& open)
{
    const json::object* const object = value.if_object();
    if (object == nullptr)
        return false;
    const json::value* const opened = object->if_contains("opened_ms");
    const json::value* const told = object->if_contains("told");
    const json::value* const alarm = object->if_contains("alarm");
    if (opened == nullptr || !opened->is_int64() || told == nullptr || !told->is_string() || alarm == nullptr)
        return false;
    auto read = alarm_from_json(*alarm);
    const auto grade = parse_grade(std::string_view(told->get_string()));
    auto account = read && grade ? ltsv::unescape(read->account) : std::nullopt;
    if (!account)
        return false;
    open.emplace(*std::move(account),
                 Incidents::Open{*std::move(read), event::Time(event::Milliseconds(opened->get_int64())), *grade});
    return true;
}

bool take_incidents(const json::object& object, Incidents::OpenIncidents& open)
{
    const json::array* const array = array_of(object, "incidents");
    if (array == nullptr)
        return false;
    for (const json::value& value : *array)
        if (!take_incident(value, open))
            return false;
    return true;
}

} // namespace

std::string state_to_text(const AlarmState& state)
{
    json::array incidents;
    for (const auto& [account, open] : state.open)
        incidents.push_back({{"opened_ms", open.opened.time_since_epoch().count()},
                             {"told", to_text(open.told)},
                             {"alarm", to_json(open.alarm)}});
    return json::serialize(json::object{{"version", version},
                                        {"stats", cursors_to_json(state.stats)},
                                        {"rejects", cursors_to_json(state.rejects)},
                                        {"incidents", std::move(incidents)},
                                        {"mail", alarms_to_json(state.mail)},
                                        {"hook", alarms_to_json(state.hook)}}) +
           '\n';
}

std::optional<AlarmState> parse_alarm_state(std::string_view text)
{
    const auto value = parse_json(text);
    const json::object* const object = value ? value->if_object() : nullptr;
    const json::value* const found = object != nullptr ? object->if_contains("version") : nullptr;
    AlarmState state;
    if (found == nullptr || *found != version || !take_cursors(*object, "stats", state.stats) ||
        !take_cursors(*object, "rejects", state.rejects) || !take_incidents(*object, state.open) ||
        !take_alarms(*object, "mail", state.mail) || !take_alarms(*object, "hook", state.hook))
        return std::nullopt;
    return state;
}

} // namespace smtpauth
