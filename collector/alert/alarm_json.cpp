#include "collector/alert/alarm_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "common/daemon_status.hpp"

namespace smtpauth {

namespace {

constexpr std::array<std::string_view, 4> event_names{"opened", "worse", "reminder", "closed"};
constexpr std::array<std::string_view, 6> grade_names{"none", "warned", "held", "refused", "blocked", "not_blocked"};

template <class Enum, std::size_t size>
std::optional<Enum> parse_name(const std::array<std::string_view, size>& names, std::string_view text)
{
    const auto found = std::find(names.begin(), names.end(), text);
    return found == names.end() ? std::nullopt : std::optional(static_cast<Enum>(found - names.begin()));
}

json::object counts_to_json(const MailCounts& counts)
{
    return {{"accepted", counts.accepted},
            {"recipients", counts.recipients},
            {"warned", counts.warned},
            {"held", counts.held},
            {"refused", counts.refused}};
}

json::object origin_to_json(const OriginCount& origin, std::string_view what)
{
    json::object object{{what, json_text(origin.name)}};
    if (!origin.country.empty())
        object.emplace("country", json_text(origin.country));
    object.emplace("passed", origin.passed);
    object.emplace("refused", origin.refused);
    return object;
}

template <class List, class ToJson>
json::array list_to_json(const List& list, ToJson to_json)
{
    json::array array;
    for (const auto& element : list)
        array.emplace_back(to_json(element));
    return array;
}

/// What utc_text() writes: YYYY-MM-DDTHH:MM:SSZ.
std::optional<std::chrono::sys_seconds> parse_utc_text(std::string_view text)
{
    constexpr std::string_view shape = "0000-00-00T00:00:00Z";
    bool good = text.size() == shape.size();
    for (std::size_t at = 0; good && at < shape.size(); ++at)
        good = shape[at] == '0' ? text[at] >= '0' && text[at] <= '9' : text[at] == shape[at];
    if (!good)
        return std::nullopt;
    const auto number = [&](std::size_t at, std::size_t size) {
        int value = 0;
        std::from_chars(text.data() + at, text.data() + at + size, value);
        return value;
    };
    const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                          std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                          std::chrono::day(static_cast<unsigned>(number(8, 2)))};
    if (!day.ok())
        return std::nullopt;
    return std::chrono::sys_days(day) + std::chrono::hours(number(11, 2)) + std::chrono::minutes(number(14, 2)) +
           std::chrono::seconds(number(17, 2));
}

/// Takes members of one object. What is missing or of another kind is noted, and the value stays as it was.
class Reader {
public:
    explicit Reader(const json::value& value) : object_(value.if_object()), good_(object_ != nullptr) {}

    bool good() const { return good_; }
    void expect(bool good) { good_ = good_ && good; }

    bool is_there(std::string_view name) const { return object_ != nullptr && object_->contains(name); }

    const json::value* find(std::string_view name)
    {
        const json::value* const value = object_ != nullptr ? object_->if_contains(name) : nullptr;
        good_ = good_ && value != nullptr;
        return value;
    }

    void take(std::string_view name, std::string& text)
    {
        const json::value* const value = find(name);
        if (value != nullptr && value->is_string())
            text = std::string_view(value->get_string());
        else
            good_ = false;
    }

    void take(std::string_view name, bool& flag)
    {
        const json::value* const value = find(name);
        if (value != nullptr && value->is_bool())
            flag = value->get_bool();
        else
            good_ = false;
    }

    void take(std::string_view name, std::uint64_t& number)
    {
        const json::value* const value = find(name);
        if (value != nullptr && value->is_int64() && value->get_int64() >= 0)
            number = static_cast<std::uint64_t>(value->get_int64());
        else if (value != nullptr && value->is_uint64())
            number = value->get_uint64();
        else
            good_ = false;
    }

    void take(std::string_view name, std::chrono::sys_seconds& time)
    {
        std::string text;
        take(name, text);
        const auto parsed = parse_utc_text(text);
        good_ = good_ && parsed;
        time = parsed.value_or(time);
    }

    /// Each element by `read`: Reader&, Element& -> void.
    template <class Element, class Read>
    void take(std::string_view name, std::vector<Element>& list, Read read)
    {
        const json::value* const value = find(name);
        if (value == nullptr || !value->is_array()) {
            good_ = false;
            return;
        }
        for (const json::value& element : value->get_array()) {
            Reader reader(element);
            read(reader, list.emplace_back());
            good_ = good_ && reader.good();
        }
    }

    void take(std::string_view name, std::vector<std::string>& list)
    {
        const json::value* const value = find(name);
        if (value == nullptr || !value->is_array()) {
            good_ = false;
            return;
        }
        for (const json::value& element : value->get_array()) {
            good_ = good_ && element.is_string();
            if (element.is_string())
                list.emplace_back(std::string_view(element.get_string()));
        }
    }

private:
    const json::object* object_;
    bool good_;
};

void take_counts(Reader& reader, std::string_view name, MailCounts& counts)
{
    const json::value* const value = reader.find(name);
    if (value == nullptr)
        return;
    Reader inner(*value);
    inner.take("accepted", counts.accepted);
    inner.take("recipients", counts.recipients);
    inner.take("warned", counts.warned);
    inner.take("held", counts.held);
    inner.take("refused", counts.refused);
    reader.expect(inner.good());
}

void take_origins(Reader& reader, std::string_view name, std::string_view what, std::vector<OriginCount>& origins)
{
    reader.take(name, origins, [what](Reader& inner, OriginCount& origin) {
        inner.take(what, origin.name);
        if (what != "country" && inner.is_there("country"))
            inner.take("country", origin.country);
        inner.take("passed", origin.passed);
        inner.take("refused", origin.refused);
    });
}

} // namespace

std::string_view to_text(Grade grade)
{
    return grade_names.at(static_cast<std::size_t>(grade));
}

std::optional<Grade> parse_grade(std::string_view text)
{
    return parse_name<Grade>(grade_names, text);
}

json::object to_json(const Alarm& alarm)
{
    json::object object{{"event", event_names.at(static_cast<std::size_t>(alarm.event))},
                        {"grade", to_text(alarm.grade)},
                        {"incident", json_text(alarm.incident)},
                        {"account", json_text(alarm.account)},
                        {"rule", json_text(alarm.rule)},
                        {"reason", json_text(alarm.reason)},
                        {"first", json_text(utc_text(alarm.first))},
                        {"last", json_text(utc_text(alarm.last))},
                        {"time", json_text(utc_text(alarm.told))},
                        {"late", alarm.late}};
    if (alarm.event == Alarm::Event::closed)
        object.emplace("ended", json_text(alarm.ended));
    object.emplace("since_first", counts_to_json(alarm.since_first));
    object.emplace("last_hour", counts_to_json(alarm.last_hour));
    object.emplace("hour_is_incomplete", alarm.hour_is_incomplete);
    object.emplace("rules", list_to_json(alarm.rules, [](const RuleCount& rule) {
                       return json::object{{"rule", json_text(rule.rule)}, {"count", rule.count}};
                   }));
    object.emplace("networks", list_to_json(alarm.networks, [](const OriginCount& origin) {
                       return origin_to_json(origin, "network");
                   }));
    object.emplace("more_networks", alarm.more_networks);
    object.emplace("countries", list_to_json(alarm.countries, [](const OriginCount& origin) {
                       return origin_to_json(origin, "country");
                   }));
    object.emplace("recipients", list_to_json(alarm.recipients, json_text));
    object.emplace("queue_ids", list_to_json(alarm.queue_ids, json_text));
    object.emplace("notes", list_to_json(alarm.notes, [](const AlarmNote& note) {
                       return json::object{{"time", json_text(utc_text(note.time))}, {"text", json_text(note.text)}};
                   }));
    return object;
}

std::optional<Alarm> alarm_from_json(const json::value& value)
{
    Alarm alarm;
    Reader reader(value);
    std::string event;
    reader.take("event", event);
    std::string grade;
    reader.take("grade", grade);
    const auto known_event = parse_name<Alarm::Event>(event_names, event);
    const auto known_grade = parse_grade(grade);
    if (!known_event || !known_grade)
        return std::nullopt;
    alarm.event = *known_event;
    alarm.grade = *known_grade;
    reader.take("incident", alarm.incident);
    reader.take("account", alarm.account);
    reader.take("rule", alarm.rule);
    reader.take("reason", alarm.reason);
    reader.take("first", alarm.first);
    reader.take("last", alarm.last);
    reader.take("time", alarm.told);
    reader.take("late", alarm.late);
    if (alarm.event == Alarm::Event::closed)
        reader.take("ended", alarm.ended);
    take_counts(reader, "since_first", alarm.since_first);
    take_counts(reader, "last_hour", alarm.last_hour);
    reader.take("hour_is_incomplete", alarm.hour_is_incomplete);
    reader.take("rules", alarm.rules, [](Reader& inner, RuleCount& rule) {
        inner.take("rule", rule.rule);
        inner.take("count", rule.count);
    });
    take_origins(reader, "networks", "network", alarm.networks);
    reader.take("more_networks", alarm.more_networks);
    take_origins(reader, "countries", "country", alarm.countries);
    reader.take("recipients", alarm.recipients);
    reader.take("queue_ids", alarm.queue_ids);
    reader.take("notes", alarm.notes, [](Reader& inner, AlarmNote& note) {
        inner.take("time", note.time);
        inner.take("text", note.text);
    });
    return reader.good() ? std::optional(std::move(alarm)) : std::nullopt;
}

} // namespace smtpauth
