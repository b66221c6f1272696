// The filter's settings: the tables [filter], [geo] and [log] of the configuration, with their
// defaults. Each field is the setting of the same name unless it says otherwise. Reads no file but
// the configuration itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/config.hpp"
#include "common/durability.hpp"
#include "common/id_list.hpp"
#include "common/ip_network.hpp"
#include "common/listening_socket.hpp"
#include "common/log.hpp"
#include "common/socket_spec.hpp"
#include "filter/limits_config.hpp"
#include "filter/policy/automatic_blocks.hpp"

namespace smtpauth {

/// What names the account of a transaction.
enum class Identity {
    auth_authen,  ///< macro {auth_authen}
    cert_subject, ///< macro {cert_subject}, as "cert:<subject>"
};

/// Where the size of a message comes from.
enum class MessageSize {
    auto_, ///< macro {msg_size} where the MTA gives it, else counted
    count, ///< headers and body are counted
    macro, ///< macro {msg_size} or nothing
    off,
};

/// What to do with mail whose record cannot be kept.
enum class OnJournalFull { pass, tempfail };

struct FilterConfig {
    std::string instance; ///< --instance NAME, "" where there is one filter only
    log::Settings log;    ///< [log]

    /// [geo]; "" is none. A file that does not exist is no mistake: countries are then unknown.
    std::string country_database = "/usr/share/GeoIP/GeoLite2-Country.mmdb";
    std::string asn_database; ///< [geo]; the same, for networks

    std::vector<SocketSpec> listen = {UnixSocketSpec{"/run/smtpauth-filter/filter.sock"}};
    ListenOptions listen_options; ///< listen_mode (octal), listen_group
    std::vector<IpNetwork> allow; ///< who may connect by TCP; default: loopback

    std::optional<UnixSocketSpec> control = UnixSocketSpec{"/run/smtpauth-filter/control.sock"}; ///< "": none
    SocketSpec collector = UnixSocketSpec{"/run/smtpauth-collector/events.sock"};

    std::string reject_ids = "/etc/smtpauth/reject_ids.txt";
    std::string reject_text = "5.7.1 Access denied"; ///< printable ASCII, without the leading 550

    std::string state_directory = "/var/lib/smtpauth-filter";
    std::string journal_directory = "/var/lib/smtpauth-filter/journal"; ///< default: journal/ in state_directory
    std::uint64_t journal_max_bytes = std::uint64_t{1} << 30;
    OnJournalFull on_journal_full = OnJournalFull::pass;
    Durability durability = Durability::group;
    std::uint64_t queue_max_bytes = std::uint64_t{16} << 20;              ///< records in memory that wait for the disk
    std::chrono::milliseconds commit_timeout = std::chrono::seconds(120); ///< for the disk to keep a record

    MessageSize message_size = MessageSize::auto_;
    IdNormalizer auth_id_normalize;
    std::vector<Identity> identity = {Identity::auth_authen, Identity::cert_subject}; ///< the first that has a value

    bool only_warns = false;                           ///< mode = "warn": no limit refuses or holds anything
    std::vector<LimitRule> limits = {default_limit()}; ///< [limits], [accounts], [domains]; in the order of their names
    bool answers_recipients = false;                   ///< some of them may refuse single recipients
    std::chrono::milliseconds reservation_timeout = std::chrono::minutes(10); ///< of those that were accepted singly
    std::uint32_t refusals_per_minute = 60; ///< of an account, with a record each; the others have one together. 0: all
    AutomaticBlockTerms automatic_blocks;   ///< [blocks] never, max_per_hour, longest
    std::string block_text = "5.7.1 This account is blocked; please ask your postmaster"; ///< like reject_text
    std::chrono::milliseconds block_time = std::chrono::hours(24); ///< where nobody says for how long
    std::chrono::milliseconds probation = std::chrono::hours(24);  ///< the same of an unblocked account's
    unsigned probation_percent = 25;                               ///< of its limits
    std::uint64_t state_max_bytes = std::uint64_t{256} << 20;      ///< what limits remember of all accounts

    std::size_t max_connections = 20000;
    std::uint32_t max_packet_bytes = std::uint32_t{1} << 20; ///< of a milter packet
    std::size_t max_recipients = 10000;                      ///< kept of one message; more are only counted
    std::size_t max_idle_packets = 1000;                     ///< in a row while no message is open
    std::uint64_t max_held_bytes = std::uint64_t{256} << 20; ///< by what MTAs of all connections have begun
    std::chrono::milliseconds negotiate_timeout = std::chrono::seconds(30); ///< from the connection on
    std::chrono::milliseconds packet_timeout =
        std::chrono::seconds(60);                                   ///< from the first octet of a packet to its last
    std::chrono::milliseconds idle_timeout = std::chrono::hours(2); ///< for the next packet of an MTA
    std::chrono::milliseconds drain_timeout = std::chrono::seconds(30);
    unsigned threads = 1;

    FilterConfig();
};

struct FilterConfigResult {
    FilterConfig config;
    std::vector<std::string> instances; ///< the names of [filter.instances.NAME]
    std::vector<std::string> errors;    ///< "FILE:LINE: what"; where there are any, config is of no use
};

/// Reads FILE and conf.d/*.toml beside it. Never throws for what stands there.
/// @param instance  whose settings; "": those of [filter] itself. All instances are checked in any case.
FilterConfigResult load_filter_config(const std::string& path, const std::string& instance = {});

/// The same for what has been read already.
FilterConfigResult read_filter_config(ConfigFile file, const std::string& instance = {});

/// Settings of [filter] or of a table that goes before it.
/// @param config  what holds for those that are absent; an empty journal_directory follows state_directory.
void read_filter_table(ConfigTable& table, FilterConfig& config);

} // namespace smtpauth
