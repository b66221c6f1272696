#include "collector/stats_log/line_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <utility>

#include "collector/stats_log/line_names.hpp"
#include "collector/stats_log/local_time.hpp"
#include "proto/ltsv/ltsv.hpp"

namespace smtpauth {

namespace {

using event::Record;
using event::RecordType;
using event::Stage;

/// What the fields of one line have said so far.
struct Reading {
    Record record;
    event::RecordId id;
    event::Milliseconds eom_ms{};
    std::uint32_t rcpt_count = 0;
};

template <std::unsigned_integral Number>
bool parse_number(std::string_view text, Number& number)
{
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
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
    const auto time = parse_local_time(value);
    reading.record.*field = time.value_or(event::Time{});
    return time.has_value();
}

bool take_sender(Reading& reading, std::string_view value)
{
    reading.record.sender = value == null_sender ? std::string_view() : value;
    return true;
}

bool take_recipient(Reading& reading, std::string_view value)
{
    if (value.find('\0') != std::string_view::npos)
        return false;
    reading.record.recipients.append(value);
    return true;
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

bool take_id(Reading& reading, std::string_view value)
{
    const auto id = event::parse_record_id(value);
    reading.id = id.value_or(event::RecordId{});
    return id.has_value();
}

bool take_stage(Reading& reading, std::string_view value)
{
    return parse_name(stage_names, value, reading.record.stage);
}

struct Label {
    std::string_view name;
    bool (*take)(Reading&, std::string_view value); ///< false where the label cannot have this value
};

constexpr std::array<Label, 22> labels{{{"client_address", take_text<&Record::client_address>},
                                        {"client_port", take_number<&Record::client_port>},
                                        {"connect_time", take_time<&Record::connect_time>},
                                        {"auth_id", take_text<&Record::auth_id>},
                                        {"sender", take_sender},
                                        {"eom_time", take_time<&Record::eom_time>},
                                        {"recipient", take_recipient},
                                        {"size", take_size},
                                        {"queue_id", take_text<&Record::queue_id>},
                                        {"country", take_text<&Record::country>},
                                        {"asn", take_number<&Record::asn>},
                                        {"rcpt_count", take_rcpt_count},
                                        {"rcpt_refused", take_number<&Record::rcpt_refused>},
                                        {"auth_id_raw", take_text<&Record::auth_id_raw>},
                                        {"action", take_action},
                                        {"rule", take_text<&Record::rule>},
                                        {"eom_ms", take_eom_ms},
                                        {"id", take_id},
                                        {"stage", take_stage},
                                        {"reason", take_text<&Record::reason>},
                                        {"count", take_number<&Record::count>},
                                        {"until", take_time<&Record::until>}}};

/// False where the label cannot have this value; labels that nobody knows can have any.
bool take(Reading& reading, std::string_view label, std::string_view value)
{
    const auto* known = std::find_if(labels.begin(), labels.end(), [label](const Label& l) { return l.name == label; });
    return known == labels.end() || known->take(reading, value);
}

/// Puts together what stands in several fields, or in none because the file says it.
LoggedRecord finished(Reading&& reading)
{
    Record& record = reading.record;
    // Only the rejects log has a stage, and only end of message is one of a message.
    if (event::is_of_mail(record.type) && record.stage != Stage::eom)
        record.type = RecordType::refusal;
    record.eom_time += reading.eom_ms;
    const auto listed = static_cast<std::uint32_t>(record.recipients.size());
    if (reading.rcpt_count > listed)
        record.rcpt_unlisted = reading.rcpt_count - listed;
    return {std::move(record), reading.id};
}

/// The value of the field whose label begins at `label`.
std::string_view value_at(std::string_view line, std::size_t label)
{
    const std::size_t begin = line.find(':', label) + 1;
    return line.substr(begin, line.find_first_of("\t\n", begin) - begin);
}

} // namespace

std::variant<LoggedRecord, BadLine> read_log_line(std::string_view line)
{
    Reading reading;
    ltsv::LineReader fields(line);
    while (const auto field = fields.next()) {
        const auto value = ltsv::unescape(field->value);
        if (!value || !take(reading, field->label, *value))
            return BadLine{std::string(field->label) + ": a value that this label cannot have"};
    }
    if (fields.failed())
        return BadLine{fields.error()};
    if (reading.id.sequence == 0)
        return BadLine{"no label id"};
    return finished(std::move(reading));
}

std::optional<LineMarks> marks_of(std::string_view line)
{
    // A TAB in a value is escaped, so what stands behind a raw one is a label.
    const std::size_t id_at = line.rfind("\tid:");
    if (id_at == std::string_view::npos)
        return std::nullopt;
    const auto id = event::parse_record_id(value_at(line, id_at));
    if (!id)
        return std::nullopt;
    LineMarks marks{*id};
    constexpr std::string_view time_label = "eom_time:";
    for (std::size_t at = line.find(time_label); at != std::string_view::npos; at = line.find(time_label, at + 1)) {
        if (at == 0 || line[at - 1] == '\t')
            marks.eom_time = parse_local_time(value_at(line, at)).value_or(event::Time{});
    }
    return marks;
}

} // namespace smtpauth
