#include "collector/config.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

namespace {

CollectorConfigResult load(std::string_view text)
{
    const test::TempDirectory directory;
    return load_collector_config(directory.write("smtpauth.toml", text));
}

/// The errors, without the name of the file.
Strings errors_of(std::string_view text)
{
    const test::TempDirectory directory;
    const std::string file = directory.write("smtpauth.toml", text);
    Strings errors = load_collector_config(file).errors;
    for (std::string& error : errors)
        error.erase(0, file.size() + 1);
    return errors;
}

} // namespace

TEST_CASE("an empty configuration is a good one for the collector", "[collector][config]")
{
    const auto [config, errors] = load("");
    CHECK(errors.empty());
    CHECK(config.log.program == "smtpauth-log-collector");
    CHECK(config.listen.path == "/run/smtpauth-collector/events.sock");
    CHECK(config.event_peers.contains(::geteuid()));
    CHECK(config.stats_log == "/var/log/smtpauth/stats.log");
    CHECK(config.rejects_log == "/var/log/smtpauth/rejects.log");
    CHECK(config.log_recipients == LogRecipients::full);
    CHECK(config.keep_days == 90);
    CHECK(config.compress_after_days == 7);
    CHECK(config.rrd_delay == 120s);
    CHECK(config.durability == Durability::group);
}

TEST_CASE("every setting of the collector is taken from the file", "[collector][config]")
{
    const auto [config, errors] = load(R"(
[geo]
skipped = 1
[filter]
skipped = 1
[collector]
listen = "unix:/e.sock"
listen_mode = "0600"
listen_group = "mail"
event_peers = ["root", "1234", 4321]
control = "unix:/ctl.sock"
http = "inet:127.0.0.1:8025"
stats_log = "/l/s"
rejects_log = "/l/r"
log_recipients = "domain"
keep_days = 1
compress_after_days = 0
rrd_directory = "/rrd"
rrd_delay = "1s"
state_directory = "/s"
durability = "always"
)");
    CHECK(errors.empty());
    CHECK(config.listen.path == "/e.sock");
    CHECK(config.listen_options.mode == 0600);
    CHECK(config.listen_options.group == "mail");
    CHECK(config.event_peers == std::set<uid_t>{0, 1234, 4321});
    CHECK(config.control == UnixSocketSpec{"/ctl.sock"});
    CHECK(config.http == SocketSpec(TcpSocketSpec{"127.0.0.1", 8025, false}));
    CHECK(config.stats_log == "/l/s");
    CHECK(config.rejects_log == "/l/r");
    CHECK(config.log_recipients == LogRecipients::domain);
    CHECK(config.keep_days == 1);
    CHECK(config.compress_after_days == 0);
    CHECK(config.rrd_directory == "/rrd");
    CHECK(config.rrd_delay == 1s);
    CHECK(config.state_directory == "/s");
    CHECK(config.durability == Durability::always);
}

TEST_CASE("events come by a UNIX socket, because only there the peer is known", "[collector][config]")
{
    CHECK(errors_of("[collector]\nlisten = \"inet:127.0.0.1:1\"\n") ==
          Strings{R"(2: collector.listen = "inet:127.0.0.1:1": expected a UNIX socket such as "unix:/run/x.sock")"});
}

TEST_CASE("a peer is a user that exists, and never everybody", "[collector][config]")
{
    const auto errors = [](const std::string& peers) { return errors_of("[collector]\nevent_peers = " + peers); };
    CHECK(errors("[\"root\", \"no-such-user\"]") == Strings{"2: collector.event_peers[1] = \"no-such-user\": expected "
                                                            "the name of a user that exists, or a uid"});
    CHECK(errors("4294967295") ==
          Strings{"2: collector.event_peers = 4294967295: expected the name of a user that exists, or a uid"});
    CHECK(errors("-1") == Strings{"2: collector.event_peers = -1: expected the name of a user that exists, or a uid"});
    CHECK(errors("65534") == Strings{"2: collector.event_peers = 65534: expected another user: 65534 stands for "
                                     "everybody whom the kernel cannot name"});
    CHECK(errors("[]") == Strings{"2: collector.event_peers = []: expected at least one element"});
}

TEST_CASE("two logs in one file are a mistake", "[collector][config]")
{
    CHECK(errors_of("[collector]\nstats_log = \"/x\"\nrejects_log = \"/x\"\n") ==
          Strings{"3: collector.rejects_log = \"/x\": expected another file than stats_log"});
}
