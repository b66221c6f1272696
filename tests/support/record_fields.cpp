#include "tests/support/record_fields.hpp"

#include <array>
#include <utility>

namespace smtpauth::test {

namespace {

std::string or_dash(const std::string& text)
{
    return text.empty() ? "-" : text;
}

std::string name(event::RecordType type)
{
    switch (type) {
    case event::RecordType::message:
        return "message";
    case event::RecordType::refusal:
        return "refusal";
    case event::RecordType::attempt:
        return "attempt";
    case event::RecordType::block:
        return "block";
    case event::RecordType::unblock:
        return "unblock";
    case event::RecordType::void_record:
        return "void";
    case event::RecordType::loss:
        return "loss";
    }
    return "?";
}

std::string name(event::Stage stage)
{
    switch (stage) {
    case event::Stage::mail:
        return "mail";
    case event::Stage::rcpt:
        return "rcpt";
    case event::Stage::eom:
        return "eom";
    }
    return "?";
}

std::string name(event::Action action)
{
    constexpr std::array<const char*, 6> names{"accept", "warn", "hold", "reject", "tempfail", "discard"};
    return names.at(static_cast<std::size_t>(action));
}

std::string joined(const PackedStrings& strings)
{
    std::string text;
    for (const std::string_view part : strings)
        text.append(text.empty() ? 0 : 1, ',').append(part);
    return text;
}

std::string milliseconds(event::Time time)
{
    return std::to_string(time.time_since_epoch().count());
}

/// As SMTP writes it: "<>" is the null sender.
std::string sender(const std::optional<std::string>& address)
{
    return address ? "<" + *address + ">" : "-";
}

using Field = std::pair<std::string_view, std::string (*)(const event::Record&)>;

constexpr std::array<Field, 20> fields{{
    {"type", [](const event::Record& r) { return name(r.type); }},
    {"action", [](const event::Record& r) { return name(r.action); }},
    {"stage", [](const event::Record& r) { return name(r.stage); }},
    {"client_address", [](const event::Record& r) { return or_dash(r.client_address); }},
    {"client_port", [](const event::Record& r) { return std::to_string(r.client_port); }},
    {"connect_time", [](const event::Record& r) { return milliseconds(r.connect_time); }},
    {"auth_id", [](const event::Record& r) { return or_dash(r.auth_id); }},
    {"auth_id_raw", [](const event::Record& r) { return or_dash(r.auth_id_raw); }},
    {"sender", [](const event::Record& r) { return sender(r.sender); }},
    {"eom_time", [](const event::Record& r) { return milliseconds(r.eom_time); }},
    {"recipients", [](const event::Record& r) { return or_dash(joined(r.recipients)); }},
    {"rcpt_count", [](const event::Record& r) { return std::to_string(r.recipients.size()); }},
    {"rcpt_unlisted", [](const event::Record& r) { return std::to_string(r.rcpt_unlisted); }},
    {"rcpt_refused", [](const event::Record& r) { return std::to_string(r.rcpt_refused); }},
    {"size", [](const event::Record& r) { return r.size_bytes ? std::to_string(*r.size_bytes) : "-"; }},
    {"queue_id", [](const event::Record& r) { return or_dash(r.queue_id); }},
    {"country", [](const event::Record& r) { return or_dash(r.country); }},
    {"asn", [](const event::Record& r) { return std::to_string(r.asn); }},
    {"rule", [](const event::Record& r) { return or_dash(r.rule); }},
    {"reason", [](const event::Record& r) { return or_dash(r.reason); }},
}};

} // namespace

std::optional<std::string> field(const event::Record& record, std::string_view name)
{
    for (const auto& [known, text] : fields)
        if (known == name)
            return text(record);
    return std::nullopt;
}

} // namespace smtpauth::test
