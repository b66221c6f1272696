#include "filter/config.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "common/log_settings.hpp"
#include "filter/instances.hpp"

namespace smtpauth {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = kib * kib;
constexpr std::uint64_t gib = mib * kib;

/// A reply line of SMTP has 512 octets at most (RFC 5321, 4.5.3.1.5); "550 " and CRLF take six.
constexpr std::size_t longest_reply_text = 500;

enum class Normalization { lowercase, strip_domain };

std::variant<IpNetwork, std::string> parse_network(std::string_view text)
{
    if (const auto network = IpNetwork::parse(text))
        return *network;
    return std::string(
        R"(an address, or a network without bits behind its prefix, such as "127.0.0.0/8" or "2001:db8::/32")");
}

std::variant<SocketSpec, std::string> parse_collector(std::string_view text)
{
    auto spec = parse_unix_socket_spec(text);
    if (auto* expected = std::get_if<std::string>(&spec))
        return std::move(*expected);
    return SocketSpec(std::get<UnixSocketSpec>(std::move(spec)));
}

/// True for text such as "4.7.1 Try later": its class would contradict the reply code 550.
bool has_foreign_status(std::string_view text)
{
    const auto digit = [&](std::size_t at) { return text.size() > at && text[at] >= '0' && text[at] <= '9'; };
    return digit(0) && text.size() > 1 && text[1] == '.' && digit(2) && text[0] != '5';
}

/// Goes behind "550 ".
std::string read_reply_text(ConfigTable& table, const char* key, const std::string& fallback)
{
    const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
    std::string text = table.text(key, fallback);
    if (text == fallback)
        return text;
    if (!std::all_of(text.begin(), text.end(), printable))
        table.refuse(key, "one line of printable ASCII");
    else if (text.empty() || text.size() > longest_reply_text)
        table.refuse(key,
                     "1 to " + std::to_string(longest_reply_text) + " characters, not " + std::to_string(text.size()));
    else if (has_foreign_status(text))
        table.refuse(key, "an enhanced status code that begins with 5, as the reply is 550");
    else
        return text;
    return fallback;
}

IdNormalizer read_normalizer(ConfigTable& table, const IdNormalizer& fallback)
{
    std::vector<Normalization> usual;
    if (fallback.lowercase)
        usual.push_back(Normalization::lowercase);
    if (fallback.strip_domain)
        usual.push_back(Normalization::strip_domain);
    const auto steps = table.choice_list<Normalization>(
        "auth_id_normalize", std::move(usual),
        {{"lowercase", Normalization::lowercase}, {"strip-domain", Normalization::strip_domain}}, Empty::allowed);
    const auto has = [&](Normalization step) { return std::find(steps.begin(), steps.end(), step) != steps.end(); };
    return {.lowercase = has(Normalization::lowercase), .strip_domain = has(Normalization::strip_domain)};
}

void read_sockets(ConfigTable& table, FilterConfig& config)
{
    config.listen = table.parsed_list("listen", config.listen, parse_socket_spec, Empty::refused);
    config.listen_options.mode = table.mode("listen_mode", config.listen_options.mode);
    config.listen_options.group = table.text("listen_group", config.listen_options.group);
    config.allow = table.parsed_list("allow", config.allow, parse_network, Empty::allowed);
    config.control = table.parsed("control", config.control, parse_optional_unix_socket_spec);
    config.collector = table.parsed("collector", config.collector, parse_collector);
}

void read_records(ConfigTable& table, FilterConfig& config)
{
    config.state_directory = table.path("state_directory", config.state_directory);
    if (config.journal_directory.empty())
        config.journal_directory = config.state_directory + "/journal";
    config.journal_directory = table.path("journal_directory", config.journal_directory);
    config.journal_max_bytes = table.bytes("journal_max_bytes", config.journal_max_bytes, mib, 1024 * gib);
    config.on_journal_full =
        table.choice<OnJournalFull>("on_journal_full", config.on_journal_full,
                                    {{"pass", OnJournalFull::pass}, {"tempfail", OnJournalFull::tempfail}});
    config.durability = read_durability(table, config.durability);
    config.queue_max_bytes = table.bytes("queue_max_bytes", config.queue_max_bytes, 64 * kib, gib);
    config.commit_timeout = table.duration("commit_timeout", config.commit_timeout, 1s, 10min);
}

void read_decisions(ConfigTable& table, FilterConfig& config)
{
    config.reject_ids = table.path("reject_ids", config.reject_ids);
    config.reject_text = read_reply_text(table, "reject_text", config.reject_text);
    config.auth_id_normalize = read_normalizer(table, config.auth_id_normalize);
    config.identity = table.choice_list<Identity>(
        "identity", config.identity, {{"auth_authen", Identity::auth_authen}, {"cert_subject", Identity::cert_subject}},
        Empty::refused);
    config.only_warns = table.choice<bool>("mode", config.only_warns, {{"enforce", false}, {"warn", true}});
    config.message_size = table.choice<MessageSize>("message_size", config.message_size,
                                                    {{"auto", MessageSize::auto_},
                                                     {"count", MessageSize::count},
                                                     {"macro", MessageSize::macro},
                                                     {"off", MessageSize::off}});
}

void read_limits(ConfigTable& table, FilterConfig& config)
{
    config.refusals_per_minute =
        static_cast<std::uint32_t>(table.number("refusals_per_minute", config.refusals_per_minute, 0, 1'000'000));
    config.reservation_timeout = table.duration("reservation_timeout", config.reservation_timeout, 1s, 24h);
    config.state_max_bytes = table.bytes("state_max_bytes", config.state_max_bytes, mib, 1024 * gib);
    config.max_connections = table.number("max_connections", config.max_connections, 1, 1'000'000);
    // An MTA sends body chunks of 64 KiB whatever was agreed on.
    config.max_packet_bytes =
        static_cast<std::uint32_t>(table.bytes("max_packet_bytes", config.max_packet_bytes, 128 * kib, 16 * mib));
    config.max_recipients = table.number("max_recipients", config.max_recipients, 1, 1'000'000);
    config.max_idle_packets = table.number("max_idle_packets", config.max_idle_packets, 10, 1'000'000);
    config.max_held_bytes = table.bytes("max_held_bytes", config.max_held_bytes, mib, 1024 * gib);
    config.negotiate_timeout = table.duration("negotiate_timeout", config.negotiate_timeout, 1s, 1h);
    config.packet_timeout = table.duration("packet_timeout", config.packet_timeout, 1s, 1h);
    config.idle_timeout = table.duration("idle_timeout", config.idle_timeout, 1s, 24h);
    config.drain_timeout = table.duration("drain_timeout", config.drain_timeout, 0s, 1h);
    config.threads = table.number("threads", config.threads, 1, 64);
}

void read_blocks(ConfigTable table, FilterConfig& config)
{
    config.block_text = read_reply_text(table, "text", config.block_text);
    config.block_time = table.duration("time", config.block_time, 1min, 24h * 366);
    config.probation = table.duration("probation", config.probation, 0s, 24h * 366);
    config.probation_percent =
        static_cast<unsigned>(table.number("probation_percent", config.probation_percent, 1, 100));
    AutomaticBlockTerms& terms = config.automatic_blocks;
    terms.max_per_hour = table.number("max_per_hour", terms.max_per_hour, 0, 1'000'000);
    terms.longest = table.duration("longest", terms.longest, 1min, 24h * 366);
    for (const std::string& id : table.text_list("never", {}, Empty::allowed)) {
        if (id.empty() || id.starts_with('@'))
            table.refuse("never", "accounts");
        terms.never.insert(config.auth_id_normalize(id));
    }
}

/// Checks all instances, and takes the settings of the one that is wanted.
void choose_instance(ConfigTable& filter, const std::string& wanted, FilterConfigResult& result)
{
    auto instances = read_instances(filter, result.config);
    std::string known;
    for (const auto& [name, config] : instances) {
        result.instances.push_back(name);
        known += (known.empty() ? "" : ", ") + name;
    }
    if (const auto chosen = instances.find(wanted); chosen != instances.end())
        result.config = std::move(chosen->second);
    else if (!wanted.empty())
        filter.table("instances")
            .refuse(wanted, "this table for --instance; " + (known.empty() ? "there are none" : "there are: " + known));
}

} // namespace

FilterConfig::FilterConfig() : allow{*IpNetwork::parse("127.0.0.0/8"), *IpNetwork::parse("::1")} {}

FilterConfigResult load_filter_config(const std::string& path, const std::string& instance)
{
    return read_filter_config(ConfigFile::load(path), instance);
}

void read_filter_table(ConfigTable& table, FilterConfig& config)
{
    read_sockets(table, config);
    read_decisions(table, config);
    read_records(table, config);
    read_limits(table, config);
}

FilterConfigResult read_filter_config(ConfigFile file, const std::string& instance)
{
    FilterConfigResult result;
    FilterConfig& config = result.config;
    config.log = read_log_settings(file, filter_name(""));

    ConfigTable geo = file.table("geo");
    config.country_database = geo.path("country_database", config.country_database, Empty::allowed);
    config.asn_database = geo.path("asn_database", config.asn_database, Empty::allowed);

    ConfigTable filter = file.table("filter");
    config.journal_directory.clear();
    read_filter_table(filter, config);
    choose_instance(filter, instance, result);

    read_blocks(file.table("blocks"), result.config);
    result.config.limits = read_limit_rules(file.root(), result.config.auth_id_normalize);
    if (result.config.only_warns)
        for (LimitRule& rule : result.config.limits) {
            rule.action = event::Action::warn;
            rule.block = 0ms;
        }
    result.config.answers_recipients = refuses_recipients(result.config.limits);

    file.root().skip("collector");
    result.errors = file.errors();
    return result;
}

} // namespace smtpauth
