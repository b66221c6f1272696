#include "collector/alert/settings.hpp"

#include <algorithm>
#include <string_view>
#include <variant>

namespace smtpauth {

namespace {

using namespace std::chrono_literals;

using TextOrExpected = std::variant<std::string, std::string>;

/// RFC 5321, 4.5.3.1.3, without the brackets.
constexpr std::size_t longest_address = 254;

constexpr std::uint64_t mebibyte = std::uint64_t{1024} * 1024;

/// It will stand between the brackets of MAIL and RCPT and in a header.
TextOrExpected parse_address(std::string_view text)
{
    const auto allowed = [](char c) {
        return c > ' ' && c < 0x7f && std::string_view("<>()[],;:\\\"").find(c) == std::string_view::npos;
    };
    if (text.empty() || text.size() > longest_address || text.front() == '@' || text.back() == '@' ||
        !std::all_of(text.begin(), text.end(), allowed))
        return TextOrExpected(std::in_place_index<1>, "a mail address such as \"postmaster@example.com\"");
    return TextOrExpected(std::in_place_index<0>, text);
}

TextOrExpected parse_optional_address(std::string_view text)
{
    return text.empty() ? TextOrExpected(std::in_place_index<0>) : parse_address(text);
}

TextOrExpected parse_host_name(std::string_view text)
{
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    };
    if (text.size() <= 253 && std::all_of(text.begin(), text.end(), allowed))
        return TextOrExpected(std::in_place_index<0>, text);
    return TextOrExpected(std::in_place_index<1>, "the name of a host such as \"mail.example.com\"");
}

MailSettings read_mail(ConfigTable& table)
{
    MailSettings mail;
    mail.to = table.parsed_list("mail_to", mail.to, parse_address, Empty::allowed);
    mail.from = table.parsed("mail_from", mail.from, parse_optional_address);
    mail.smtp = table.parsed("smtp", mail.smtp, parse_socket_spec);
    mail.starttls = table.choice<StartTls>(
        "starttls", mail.starttls,
        {{"off", StartTls::off}, {"opportunistic", StartTls::opportunistic}, {"required", StartTls::required}});
    mail.tls_name = table.parsed("tls_name", mail.tls_name, parse_host_name);
    if (!mail.tls_name.empty() && mail.starttls != StartTls::required)
        table.refuse("tls_name",
                     "\"\" unless starttls = \"required\": a certificate proves nothing to who goes on without");
    mail.tls_ca_file = table.path("tls_ca_file", mail.tls_ca_file, Empty::allowed);
    if (!mail.tls_ca_file.empty() && mail.tls_name.empty())
        table.refuse("tls_ca_file", "tls_name beside it: without a name no certificate is looked at");
    mail.smtp_timeout = table.duration("smtp_timeout", mail.smtp_timeout, 1s, 10min);
    mail.max_mails_per_hour = table.number("max_mails_per_hour", mail.max_mails_per_hour, 2, 1000);
    return mail;
}

HookSettings read_hook(ConfigTable& table)
{
    HookSettings hook;
    hook.hook = table.text_list("hook", hook.hook, Empty::allowed);
    // Somebody who thinks of a shell writes one text.
    const bool is_a_line = hook.hook.size() == 1 && hook.hook.front().find(' ') != std::string::npos;
    if (!hook.hook.empty() && (is_a_line || !hook.hook.front().starts_with('/')))
        table.refuse(
            "hook", "a list such as [\"/usr/local/bin/alarm\", \"--room\", \"night\"], first the path of a program: no "
                    "shell takes words apart");
    if (std::any_of(hook.hook.begin(), hook.hook.end(),
                    [](const std::string& argument) { return argument.find('\0') != std::string::npos; }))
        table.refuse("hook", "arguments without zero bytes");
    hook.hook_timeout = table.duration("hook_timeout", hook.hook_timeout, 1s, 10min);
    return hook;
}

} // namespace

AlarmSettings read_alarm_settings(ConfigTable table, LogRecipients recipients)
{
    AlarmSettings settings;
    IncidentSettings& incidents = settings.incidents;
    incidents.gather = table.duration("gather", incidents.gather, 0s, 10min);
    incidents.quiet_after = table.duration("quiet_after", incidents.quiet_after, 1s, 24h);
    incidents.remind_after = table.duration("remind_after", incidents.remind_after, 1min, 24h * 31);
    incidents.late_action_max = table.duration("late_action_max", incidents.late_action_max, 1min, 24h);
    incidents.max_incidents = table.number("max_incidents", incidents.max_incidents, 1, 100000);
    incidents.max_bytes = table.bytes("max_bytes", incidents.max_bytes, mebibyte, mebibyte * 16 * 1024);
    incidents.recipients = recipients;
    settings.mail = read_mail(table);
    settings.hook = read_hook(table);
    settings.retry = table.duration("retry", settings.retry, 1s, 15min);
    settings.give_up = table.duration("give_up", settings.give_up, 1min, 24h * 31);
    settings.max_waiting = table.number("max_waiting", settings.max_waiting, 1, 100000);
    return settings;
}

} // namespace smtpauth
