// Settings of alarms: the table [collector.alarm], with its defaults. Each field is the setting of the same name unless
// it says otherwise.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "collector/log_recipients.hpp"
#include "common/config.hpp"
#include "common/socket_spec.hpp"

namespace smtpauth {

enum class StartTls { off, opportunistic, required };

/// What makes an incident.
struct IncidentSettings {
    std::chrono::milliseconds gather = std::chrono::seconds(10);      ///< from its first refusal to its alarm
    std::chrono::milliseconds quiet_after = std::chrono::minutes(30); ///< without a refusal: it is over
    std::chrono::milliseconds remind_after = std::chrono::hours(6);   ///< while it is open, since it was told of last
    std::chrono::milliseconds late_action_max = std::chrono::minutes(15); ///< older news are marked as late
    std::size_t max_incidents = 1000;                                     ///< open ones
    std::uint64_t max_bytes = std::uint64_t{64} * 1024 * 1024;            ///< what is remembered of accounts' last hour
    LogRecipients recipients = LogRecipients::full;                       ///< log_recipients of [collector]
};

/// How deliveries of one kind are tried. Both kinds have the same settings but for `per_hour`.
struct OutboxSettings {
    bool on = false;
    unsigned per_hour = 0; ///< deliveries at most; 0: as many as there are
    std::chrono::milliseconds retry = std::chrono::seconds(10);
    std::chrono::milliseconds give_up = std::chrono::hours(48);
    std::size_t max_waiting = 2000;
};

struct MailSettings {
    std::vector<std::string> to; ///< mail_to
    std::string from;            ///< mail_from; "": the null sender, and this program at this host in the header
    SocketSpec smtp = TcpSocketSpec{"127.0.0.1", 25, false};
    StartTls starttls = StartTls::opportunistic;
    std::string tls_name;    ///< whom the certificate must name; "": it is not looked at
    std::string tls_ca_file; ///< "": the system's
    std::chrono::milliseconds smtp_timeout = std::chrono::seconds(60); ///< of each step
    unsigned max_mails_per_hour = 20;

    /// RFC 5321, 4.5.3.2.6: the answer to the mail itself. Who gives up before that may have it delivered twice.
    std::chrono::milliseconds answer_timeout() const
    {
        return std::max<std::chrono::milliseconds>(smtp_timeout, std::chrono::minutes(10));
    }
    /// Of one mail, from connecting to its end: some slow answers are borne with, but not all of them.
    std::chrono::milliseconds whole_timeout() const { return answer_timeout() + 5 * smtp_timeout; }
};

struct HookSettings {
    std::vector<std::string> hook; ///< a program and its arguments; empty: none
    std::chrono::milliseconds hook_timeout = std::chrono::seconds(30);
};

struct AlarmSettings {
    IncidentSettings incidents;
    MailSettings mail;
    HookSettings hook;
    std::chrono::milliseconds retry = std::chrono::seconds(10); ///< after the first failure; doubled up to 15 minutes
    std::chrono::milliseconds give_up = std::chrono::hours(48);
    std::size_t max_waiting = 2000; ///< alarms, for each of mail and hook: all incidents may begin and end at once

    OutboxSettings mail_outbox() const
    {
        return {!mail.to.empty(), mail.max_mails_per_hour, retry, give_up, max_waiting};
    }
    OutboxSettings hook_outbox() const { return {!hook.hook.empty(), 0, retry, give_up, max_waiting}; }
};

/// @param table  [collector.alarm]
AlarmSettings read_alarm_settings(ConfigTable table, LogRecipients recipients);

} // namespace smtpauth
