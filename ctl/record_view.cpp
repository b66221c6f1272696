#include "ctl/record_view.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "collector/stats_log/line_names.hpp"
#include "ctl/columns.hpp"
#include "ctl/log_options.hpp"
#include "ctl/table.hpp"

namespace smtpauth {

namespace {

using event::Action;
using event::Record;
using event::RecordType;

/// ANSI (ECMA-48) colours of what needs a look.
std::string_view colour_of(const Record& record)
{
    if (!event::is_of_mail(record.type))
        return record.type == RecordType::attempt ? "\x1b[33m" : "\x1b[35m";
    switch (record.action) {
    case Action::accept:
        return "";
    case Action::reject:
    case Action::discard:
        return "\x1b[31m";
    default:
        return "\x1b[33m";
    }
}

std::string padded(std::string text, std::size_t width)
{
    const std::size_t has = display_width(text);
    return text.append(width - std::min(has, width), ' ');
}

/// "alice@example.org -> bob@example.net +2", or what little of it is known.
std::string envelope_text(const Record& record)
{
    if (!record.sender)
        return {};
    std::string text = record.sender->empty() ? std::string(null_sender) : printable(*record.sender);
    const std::uint64_t count = event::recipient_count(record);
    if (record.recipients.size() == 0)
        return count == 0 ? text : text + fmt::format(" -> {} recipients", count);
    text += " -> " + printable(*record.recipients.begin());
    return count == 1 ? text : text + fmt::format(" +{}", count - 1);
}

/// "1 record", "2 records".
std::string number_of(std::uint64_t count, std::string_view what)
{
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

void add_text(json::object& object, std::string_view name, std::string_view value)
{
    if (!value.empty())
        object.emplace(name, json_text(value));
}

void add_number(json::object& object, std::string_view name, std::uint64_t value)
{
    if (value != 0)
        object.emplace(name, value);
}

void add_time(json::object& object, std::string_view name, event::Time value)
{
    if (value != event::Time{})
        object.emplace(name, json_text(json_time(value)));
}

void add_recipients(json::object& object, const Record& record)
{
    json::array recipients;
    for (const std::string_view recipient : record.recipients)
        recipients.push_back(json_text(recipient));
    if (!recipients.empty())
        object.emplace("recipients", std::move(recipients));
    add_number(object, "rcpt_count", event::recipient_count(record));
    add_number(object, "rcpt_refused", record.rcpt_refused);
}

} // namespace

std::string_view fate_of(const Record& record)
{
    switch (record.type) {
    case RecordType::attempt:
        return "given up";
    case RecordType::block:
        return record.until == event::Time{} ? "not blocked" : "blocked"; // max_per_hour
    case RecordType::unblock:
        return "unblocked";
    case RecordType::loss:
        return "lost";
    default:
        break;
    }
    switch (record.action) {
    case Action::accept:
        return "accepted";
    case Action::warn:
        return "warned";
    case Action::hold:
        return "held";
    case Action::reject:
        return "rejected";
    case Action::tempfail:
        return "deferred";
    case Action::discard:
        return "discarded";
    }
    return "";
}

std::string_view stage_text(event::Stage stage)
{
    switch (stage) {
    case event::Stage::mail:
        return "at MAIL";
    case event::Stage::rcpt:
        return "at RCPT";
    case event::Stage::eom:
        return "at end of message";
    }
    return "";
}

std::string client_text(const Record& record)
{
    const std::string client = record.client_address.empty() ? "-" : printable(record.client_address);
    return record.country.empty() ? client : client + ' ' + printable(record.country);
}

std::string to_line(const Record& record, bool colours)
{
    constexpr std::size_t fate_width = 9;
    constexpr std::size_t account_width = 24;
    constexpr std::size_t client_width = 18;
    const std::string_view colour = colours ? colour_of(record) : "";
    std::string line = fmt::format("{}  {}{}{}  {}", short_text(record.eom_time), colour,
                                   padded(std::string(fate_of(record)), fate_width), colour.empty() ? "" : "\x1b[0m",
                                   padded(record.auth_id.empty() ? "-" : account_text(record.auth_id), account_width));
    if (event::is_of_mail(record.type) || record.type == RecordType::attempt)
        line += fmt::format("  {}  {}", padded(client_text(record), client_width), envelope_text(record));
    if (!record.queue_id.empty())
        line += "  " + printable(record.queue_id);
    if (record.until != event::Time{})
        line += "  until " + short_text(record.until);
    if (!record.rule.empty())
        line += fmt::format("  [{}]", printable(record.rule));
    if (!record.reason.empty())
        line += ' ' + printable(record.reason);
    if (record.type == RecordType::attempt)
        line += "  " + number_of(record.rcpt_refused, "recipient") + " refused by the MTA";
    else if (record.type == RecordType::loss)
        line += " (" + number_of(record.count, "record") + ')';
    else if (record.count != 1)
        line += fmt::format(" (the last of {} such)", record.count);
    return line;
}

json::object to_json(const LoggedRecord& logged)
{
    const Record& record = logged.record;
    const bool is_mail = event::is_of_mail(record.type);
    json::object object{
        {"id", json_text(event::to_string(logged.id))},
        {"time", json_text(json_time(record.eom_time))},
        {"action", json_text(is_mail ? name_of(action_names, record.action) : name_of(type_names, record.type))}};
    if (is_mail)
        add_text(object, "stage", name_of(stage_names, record.stage));
    add_text(object, "auth_id", record.auth_id);
    add_text(object, "auth_id_raw", record.auth_id_raw);
    add_text(object, "client_address", record.client_address);
    add_number(object, "client_port", record.client_port);
    add_time(object, "connect_time", record.connect_time);
    add_text(object, "country", record.country);
    add_number(object, "asn", record.asn);
    if (record.sender)
        object.emplace("sender", json_text(*record.sender));
    add_recipients(object, record);
    if (record.size_bytes)
        object.emplace("size", *record.size_bytes);
    add_text(object, "queue_id", record.queue_id);
    add_text(object, "rule", record.rule);
    add_text(object, "reason", record.reason);
    if (record.count != 1)
        object.emplace("count", record.count);
    add_time(object, "until", record.until);
    return object;
}

} // namespace smtpauth
