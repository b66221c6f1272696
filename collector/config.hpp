// The collector's settings: the tables [collector] and [log] of the configuration, with their
// defaults. Each field is the setting of the same name unless it says otherwise. Reads no file but
// the configuration itself, and asks the system for users.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collector/alert/settings.hpp"
#include "collector/log_recipients.hpp"
#include "common/durability.hpp"
#include "common/listening_socket.hpp"
#include "common/log.hpp"
#include "common/socket_spec.hpp"

namespace smtpauth {

struct CollectorConfig {
    log::Settings log; ///< [log]

    UnixSocketSpec listen{"/run/smtpauth-collector/events.sock"};
    ListenOptions listen_options; ///< listen_mode (octal), listen_group
    std::set<uid_t> event_peers;  ///< names or uids; default: the own uid and that of smtpauth-filter, where it exists

    std::optional<UnixSocketSpec> control = UnixSocketSpec{"/run/smtpauth-collector/control.sock"}; ///< "": none
    std::optional<SocketSpec> http = UnixSocketSpec{"/run/smtpauth-collector/http.sock"};           ///< "": none

    std::string stats_log = "/var/log/smtpauth/stats.log";
    std::string rejects_log = "/var/log/smtpauth/rejects.log";
    LogRecipients log_recipients = LogRecipients::full;
    unsigned keep_days = 90;          ///< 0: for ever
    unsigned compress_after_days = 7; ///< 0: never

    std::string rrd_directory = "/var/lib/smtpauth/rrd";
    std::chrono::milliseconds rrd_delay = std::chrono::seconds(120); ///< after the end of a minute

    std::string state_directory = "/var/lib/smtpauth";
    Durability durability = Durability::group; ///< of records, before the collector acknowledges them

    AlarmSettings alarm; ///< [collector.alarm]

    CollectorConfig();
};

struct CollectorConfigResult {
    CollectorConfig config;
    std::vector<std::string> errors; ///< "FILE:LINE: what"; where there are any, config is of no use
};

/// Reads FILE and conf.d/*.toml beside it. Never throws for what stands there.
CollectorConfigResult load_collector_config(const std::string& path);

} // namespace smtpauth
