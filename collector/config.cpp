#include "collector/config.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>
#include <variant>

#include "common/config.hpp"
#include "common/log_settings.hpp"

namespace smtpauth {

namespace {

using namespace std::chrono_literals;

constexpr const char* filter_user = "smtpauth-filter";
constexpr unsigned most_days = 36500;

std::optional<uid_t> uid_of(const std::string& name)
{
    std::vector<char> buffer(std::size_t{64} * 1024);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
        return std::nullopt;
    return found->pw_uid;
}

std::optional<uid_t> parse_uid(std::string_view text)
{
    uid_t uid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), uid);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return uid;
}

std::variant<uid_t, std::string> parse_peer(std::string_view text)
{
    const bool number = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
    const auto uid = number ? parse_uid(text) : uid_of(std::string(text));
    if (!uid || *uid == static_cast<uid_t>(-1))
        return std::string("the name of a user that exists, or a uid");
    if (*uid == overflow_uid)
        return std::string("another user: 65534 stands for everybody whom the kernel cannot name");
    return *uid;
}

std::vector<uid_t> default_peers()
{
    std::vector<uid_t> peers{::geteuid()};
    if (const auto filter = uid_of(filter_user))
        peers.push_back(*filter);
    std::erase(peers, overflow_uid);
    return peers;
}

void read_sockets(ConfigTable& table, CollectorConfig& config)
{
    config.listen = table.parsed("listen", config.listen, parse_unix_socket_spec);
    config.listen_options.mode = table.mode("listen_mode", config.listen_options.mode);
    config.listen_options.group = table.text("listen_group", config.listen_options.group);
    const auto peers = table.parsed_list("event_peers", default_peers(), parse_peer, Empty::refused);
    config.event_peers = {peers.begin(), peers.end()};
    config.control = table.parsed("control", config.control, parse_optional_unix_socket_spec);
    config.http = table.parsed("http", config.http, parse_optional_socket_spec);
}

void read_files(ConfigTable& table, CollectorConfig& config)
{
    config.stats_log = table.path("stats_log", config.stats_log);
    config.rejects_log = table.path("rejects_log", config.rejects_log);
    if (config.stats_log == config.rejects_log)
        table.refuse("rejects_log", "another file than stats_log");
    config.log_recipients = table.choice<LogRecipients>(
        "log_recipients", config.log_recipients,
        {{"full", LogRecipients::full}, {"domain", LogRecipients::domain}, {"count", LogRecipients::count}});
    config.keep_days = table.number("keep_days", config.keep_days, 0, most_days);
    config.compress_after_days = table.number("compress_after_days", config.compress_after_days, 0, most_days);
    config.rrd_directory = table.path("rrd_directory", config.rrd_directory);
    config.rrd_delay = table.duration("rrd_delay", config.rrd_delay, 1s, 1h);
    config.state_directory = table.path("state_directory", config.state_directory);
    config.durability = read_durability(table, config.durability);
}

} // namespace

CollectorConfig::CollectorConfig()
{
    const auto peers = default_peers();
    event_peers = {peers.begin(), peers.end()};
}

CollectorConfigResult load_collector_config(const std::string& path)
{
    ConfigFile file = ConfigFile::load(path);
    CollectorConfigResult result;
    result.config.log = read_log_settings(file, "smtpauth-log-collector");

    ConfigTable collector = file.table("collector");
    read_sockets(collector, result.config);
    read_files(collector, result.config);
    result.config.alarm = read_alarm_settings(collector.table("alarm"), result.config.log_recipients);

    for (const char* table : {"filter", "geo", "limits", "accounts", "domains", "blocks"})
        file.root().skip(table);
    result.errors = file.errors();
    return result;
}

} // namespace smtpauth
