#include "ctl/replay_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <ctime>
#include <optional>

#include "collector/stats_log/line_names.hpp"
#include "collector/stats_log/local_time.hpp"
#include "proto/ltsv/ltsv.hpp"

namespace smtpauth {

namespace {

using event::Record;
using event::RecordType;

struct Reading {
    Record& record;
    std::optional<event::Milliseconds> eom_ms{};
    std::uint32_t rcpt_count = 0;
};

template <std::unsigned_integral Number>
bool parse_number(std::string_view text, Number& number)
{
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

/// Of what strftime() wrote with %Z: UTC, or the time of this machine.
std::optional<event::Time> parse_named_zone(std::string_view text)
{
    constexpr std::size_t name_at = std::string_view("YYYY-MM-DD HH:MM:SS ").size();
    if (text.size() <= name_at)
        return std::nullopt;
    const std::string_view name = text.substr(name_at);
    const auto as_utc = parse_local_time(std::string(text.substr(0, name_at)) + "+0000");
    if (!as_utc || name == "UTC" || name == "GMT")
        return as_utc;
    for (const int is_summer : {0, 1}) {
        if (name != tzname[is_summer])
            continue;
        const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(*as_utc).time_since_epoch().count();
        std::tm fields{};
        gmtime_r(&seconds, &fields);
        fields.tm_isdst = is_summer;
        return event::Time(std::chrono::seconds(std::mktime(&fields)));
    }
    return std::nullopt;
}

std::optional<event::Time> parse_time(std::string_view text)
{
    const auto time = parse_local_time(text);
    return time ? time : parse_named_zone(text);
}

template <std::string Record::*field>
bool take_text(Reading& reading, std::string_view value)
{
    reading.record.*field = value;
    return true;
}

template <auto field>
bool take_number(Reading& reading, std::string_view value)
{
    return parse_number(value, reading.record.*field);
}

template <event::Time Record::*field>
bool take_time(Reading& reading, std::string_view value)
{
    const auto time = parse_time(value);
    reading.record.*field = time.value_or(event::Time{});
    return time.has_value();
}

bool take_sender(Reading& reading, std::string_view value)
{
    reading.record.sender.emplace(value == null_sender ? std::string_view() : value);
    return true;
}

bool take_recipient(Reading& reading, std::string_view value)
{
    reading.record.recipients.append(value);
    return value.find('\0') == std::string_view::npos;
}

bool take_size(Reading& reading, std::string_view value)
{
    return parse_number(value, reading.record.size_bytes.emplace());
}

bool take_rcpt_count(Reading& reading, std::string_view value)
{
    return parse_number(value, reading.rcpt_count);
}

bool take_action(Reading& reading, std::string_view value)
{
    return parse_name(type_names, value, reading.record.type) || parse_name(action_names, value, reading.record.action);
}

bool take_eom_ms(Reading& reading, std::string_view value)
{
    std::uint16_t number = 0;
    const bool parsed = parse_number(value, number) && number < 1000;
    reading.eom_ms = event::Milliseconds(number);
    return parsed;
}

bool take_stage(Reading& reading, std::string_view value)
{
    return parse_name(stage_names, value, reading.record.stage);
}

struct Label {
    std::string_view name;
    bool (*take)(Reading&, std::string_view value); ///< false where the label cannot have this value
};

/// Those that any rule asks for; recipients, of which there are most, first.
constexpr std::array<Label, 16> labels{{{"recipient", take_recipient},
                                        {"client_address", take_text<&Record::client_address>},
                                        {"auth_id", take_text<&Record::auth_id>},
                                        {"sender", take_sender},
                                        {"eom_time", take_time<&Record::eom_time>},
                                        {"size", take_size},
                                        {"queue_id", take_text<&Record::queue_id>},
                                        {"country", take_text<&Record::country>},
                                        {"asn", take_number<&Record::asn>},
                                        {"rcpt_count", take_rcpt_count},
                                        {"rcpt_refused", take_number<&Record::rcpt_refused>},
                                        {"action", take_action},
                                        {"rule", take_text<&Record::rule>},
                                        {"eom_ms", take_eom_ms},
                                        {"stage", take_stage},
                                        {"until", take_time<&Record::until>}}};

bool take(Reading& reading, std::string_view label, std::string_view raw)
{
    const auto* known = std::find_if(labels.begin(), labels.end(), [label](const Label& l) { return l.name == label; });
    if (known == labels.end())
        return true;
    if (raw.find('\\') == std::string_view::npos)
        return known->take(reading, raw);
    // The predecessor escapes nothing: there a backslash is one.
    const auto value = ltsv::unescape(raw);
    return known->take(reading, value ? *value : raw);
}

/// As a new one, but for the memory of its strings.
void clear(Record& record)
{
    record.type = RecordType::message;
    record.action = event::Action::accept;
    record.stage = event::Stage::eom;
    for (std::string* text : {&record.client_address, &record.auth_id, &record.queue_id, &record.country, &record.rule})
        text->clear();
    record.sender.reset();
    record.eom_time = {};
    record.until = {};
    record.recipients.clear();
    record.rcpt_unlisted = 0;
    record.rcpt_refused = 0;
    record.size_bytes.reset();
    record.asn = 0;
}

void finish(const Reading& reading)
{
    Record& record = reading.record;
    if (event::is_of_mail(record.type) && record.stage != event::Stage::eom)
        record.type = RecordType::refusal;
    record.eom_time += reading.eom_ms.value_or(event::Milliseconds(999));
    const auto listed = static_cast<std::uint32_t>(record.recipients.size());
    record.rcpt_unlisted = reading.rcpt_count > listed ? reading.rcpt_count - listed : 0;
}

} // namespace

std::string read_replay_line(std::string_view line, event::Record& record)
{
    clear(record);
    Reading reading{record};
    ltsv::LineReader fields(line);
    while (const auto field = fields.next())
        if (!take(reading, field->label, field->value))
            return std::string(field->label) + ": a value that this label cannot have";
    if (fields.failed())
        return fields.error();
    if (record.eom_time == event::Time{})
        return "no label eom_time";
    finish(reading);
    return "";
}

} // namespace smtpauth
