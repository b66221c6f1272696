#include "collector/stats_log/line.hpp"

#include <chrono>

#include <fmt/format.h>

#include "collector/stats_log/line_names.hpp"
#include "collector/stats_log/local_time.hpp"
#include "proto/ltsv/ltsv.hpp"

namespace smtpauth {

namespace {

using event::Action;
using event::Record;
using event::RecordType;

/// Writes fields in the order of the calls; what is unknown leaves no trace.
class RecordWriter {
public:
    explicit RecordWriter(std::string& out) : line_(out) {}

    void text(std::string_view label, std::string_view value)
    {
        if (!value.empty())
            line_.field(label, value);
    }
    void number(std::string_view label, std::uint64_t value) { line_.field(label, fmt::format_int(value).c_str()); }
    void known_number(std::string_view label, std::uint64_t value)
    {
        if (value != 0)
            number(label, value);
    }
    void time(std::string_view label, event::Time value)
    {
        if (value == event::Time{})
            return;
        text_.clear();
        append_local_time(text_, value);
        line_.field(label, text_);
    }
    void end() { line_.end(); }

private:
    ltsv::LineWriter line_;
    std::string text_;
};

void write_recipients(RecordWriter& line, const Record& record, LogRecipients detail)
{
    if (detail == LogRecipients::count)
        return;
    for (const std::string_view recipient : record.recipients)
        line.text("recipient", detail == LogRecipients::full ? recipient : domain_of(recipient));
}

/// Nothing for mail that went its way without remark: most lines.
std::string_view action_text(const Record& record)
{
    if (!event::is_of_mail(record.type))
        return name_of(type_names, record.type);
    return record.action == Action::accept ? std::string_view() : name_of(action_names, record.action);
}

/// The labels that only the rejects log has.
void write_refusal(RecordWriter& line, const Record& record)
{
    if (event::is_of_mail(record.type))
        line.text("stage", name_of(stage_names, record.stage));
    line.text("reason", record.reason);
    if (record.count != 1 || record.type == RecordType::loss)
        line.number("count", record.count);
    line.time("until", record.until);
}

} // namespace

void append_line(std::string& out, const Record& record, const event::RecordId& id, LogRecipients recipients)
{
    RecordWriter line(out);
    line.text("client_address", record.client_address);
    line.known_number("client_port", record.client_port);
    line.time("connect_time", record.connect_time);
    line.text("auth_id", record.auth_id);
    if (record.sender)
        line.text("sender", record.sender->empty() ? null_sender : std::string_view(*record.sender));
    line.time("eom_time", record.eom_time);
    write_recipients(line, record, recipients);
    if (record.size_bytes)
        line.number("size", *record.size_bytes);
    line.text("queue_id", record.queue_id);
    line.text("country", record.country);
    line.known_number("asn", record.asn);
    line.known_number("rcpt_count", event::recipient_count(record));
    line.known_number("rcpt_refused", record.rcpt_refused);
    line.text("auth_id_raw", record.auth_id_raw);
    line.text("action", action_text(record));
    line.text("rule", record.rule);
    line.number("eom_ms", static_cast<std::uint64_t>(
                              (record.eom_time - std::chrono::floor<std::chrono::seconds>(record.eom_time)).count()));
    line.text("id", event::to_string(id));
    if (!event::passed(record))
        write_refusal(line, record);
    line.end();
}

} // namespace smtpauth
