#include "filter/config.hpp"

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

namespace {

FilterConfigResult load(std::string_view text)
{
    const test::TempDirectory directory;
    return load_filter_config(directory.write("smtpauth.toml", text));
}

/// The errors, without the name of the file.
Strings errors_of(std::string_view text)
{
    const test::TempDirectory directory;
    const std::string file = directory.write("smtpauth.toml", text);
    Strings errors = load_filter_config(file).errors;
    for (std::string& error : errors)
        error.erase(0, file.size() + 1);
    return errors;
}

} // namespace

TEST_CASE("an empty configuration is a good one", "[filter][config]")
{
    const auto [config, instances, errors] = load("");
    CHECK(errors.empty());
    CHECK(config.log.to == "auto");
    CHECK(config.log.program == "smtpauth-filter");
    CHECK(to_string(config.listen.at(0)) == "unix:/run/smtpauth-filter/filter.sock");
    CHECK(config.listen_options.mode == 0660);
    CHECK(to_string(config.collector) == "unix:/run/smtpauth-collector/events.sock");
    CHECK(config.reject_ids == "/etc/smtpauth/reject_ids.txt");
    CHECK(config.reject_text == "5.7.1 Access denied");
    CHECK(config.journal_max_bytes == 1073741824);
    CHECK(config.durability == Durability::group);
    CHECK(config.message_size == MessageSize::auto_);
    CHECK(config.auth_id_normalize == IdNormalizer{.lowercase = true, .strip_domain = false});
    CHECK(config.identity == std::vector{Identity::auth_authen, Identity::cert_subject});
    CHECK(config.max_connections == 20000);
    CHECK(config.drain_timeout == 30s);
    CHECK(config.threads == 1);
}

TEST_CASE("by default TCP is for the own machine", "[filter][config]")
{
    const FilterConfig config;
    const auto allowed = [&](const char* address) {
        return std::any_of(config.allow.begin(), config.allow.end(),
                           [&](const IpNetwork& network) { return network.contains(*IpAddress::parse(address)); });
    };
    CHECK(allowed("127.0.0.1"));
    CHECK(allowed("::1"));
    CHECK_FALSE(allowed("192.0.2.1"));
}

TEST_CASE("every setting is taken from the file", "[filter][config]")
{
    const auto [config, instances, errors] = load(R"(
[log]
to = "file:/tmp/f.log"
level = "debug"
[geo]
country_database = ""
asn_database = "/a.mmdb"
[filter]
listen = ["unix:/a.sock", "inet:10025@localhost"]
listen_mode = "0666"
listen_group = "mail"
allow = ["192.0.2.0/24"]
control = ""
collector = "/c.sock"
reject_ids = "/ids"
reject_text = "5.7.1 Go away, 100% sure"
state_directory = "/s"
journal_directory = "/j"
journal_max_bytes = "2GiB"
on_journal_full = "tempfail"
durability = "process"
queue_max_bytes = "1MiB"
message_size = "count"
auth_id_normalize = ["strip-domain"]
identity = "cert_subject"
max_connections = 5
max_packet_bytes = "512KiB"
max_recipients = 10
max_idle_packets = 20
max_held_bytes = "8MiB"
negotiate_timeout = "3s"
packet_timeout = "4s"
idle_timeout = "5m"
drain_timeout = "1s"
threads = 2
[collector]
whatever = 1
)");
    CHECK(errors.empty());
    CHECK(config.log.to == "file:/tmp/f.log");
    CHECK(config.log.level == log::Level::debug);
    CHECK(config.country_database.empty());
    CHECK(config.asn_database == "/a.mmdb");
    CHECK(to_string(config.listen.at(1)) == "inet:127.0.0.1:10025");
    CHECK(config.listen_options.mode == 0666);
    CHECK(config.listen_options.group == "mail");
    CHECK(config.allow == std::vector{*IpNetwork::parse("192.0.2.0/24")});
    CHECK_FALSE(config.control);
    CHECK(to_string(config.collector) == "unix:/c.sock");
    CHECK(config.reject_ids == "/ids");
    CHECK(config.reject_text == "5.7.1 Go away, 100% sure");
    CHECK(config.state_directory == "/s");
    CHECK(config.journal_directory == "/j");
    CHECK(config.journal_max_bytes == std::uint64_t{2} << 30);
    CHECK(config.on_journal_full == OnJournalFull::tempfail);
    CHECK(config.durability == Durability::process);
    CHECK(config.queue_max_bytes == 1048576);
    CHECK(config.message_size == MessageSize::count);
    CHECK(config.auth_id_normalize == IdNormalizer{.lowercase = false, .strip_domain = true});
    CHECK(config.identity == std::vector{Identity::cert_subject});
    CHECK(config.max_connections == 5);
    CHECK(config.max_packet_bytes == 524288);
    CHECK(config.max_recipients == 10);
    CHECK(config.max_idle_packets == 20);
    CHECK(config.max_held_bytes == 8388608);
    CHECK(config.negotiate_timeout == 3s);
    CHECK(config.packet_timeout == 4s);
    CHECK(config.idle_timeout == 5min);
    CHECK(config.drain_timeout == 1s);
    CHECK(config.threads == 2);
}

TEST_CASE("ids may be compared exactly", "[filter][config]")
{
    CHECK(load("[filter]\nauth_id_normalize = []\n").config.auth_id_normalize ==
          IdNormalizer{.lowercase = false, .strip_domain = false});
}

TEST_CASE("a reject text must fit into an SMTP reply", "[filter][config]")
{
    const auto errors = [](const std::string& text) { return errors_of("[filter]\nreject_text = \"" + text + "\"\n"); };
    CHECK(errors("Access denied").empty());
    CHECK(errors(std::string(500, 'x')).empty());
    CHECK(errors("4.7.1 Later") ==
          Strings{"2: filter.reject_text = \"4.7.1 Later\": expected an enhanced status code that begins with 5, "
                  "as the reply is 550"});
    CHECK(errors("") == Strings{"2: filter.reject_text = \"\": expected 1 to 500 characters, not 0"});
}

TEST_CASE("the log goes to a known place", "[filter][config]")
{
    CHECK(errors_of("[log]\nto = \"file:x\"\n") ==
          Strings{R"(2: log.to = "file:x": expected "auto", "stderr", "syslog" or "file:/PATH")"});
}
