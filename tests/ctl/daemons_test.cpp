#include "ctl/daemons.hpp"

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;

namespace {

/// "NAME PATH" of each.
std::vector<std::string> daemons_of(std::string_view text)
{
    const test::TempDirectory directory;
    std::vector<std::string> found;
    for (const Daemon& daemon : load_daemons(directory.write("smtpauth.toml", text)).daemons)
        found.push_back(daemon.name + ' ' + daemon.control);
    return found;
}

using Strings = std::vector<std::string>;

} // namespace

TEST_CASE("every daemon of the configuration is asked", "[ctl][daemons]")
{
    CHECK(daemons_of("") == Strings{"smtpauth-filter /run/smtpauth-filter/control.sock",
                                    "smtpauth-log-collector /run/smtpauth-collector/control.sock"});
    CHECK(daemons_of("[filter.instances.mx1]\nlisten = \"/x\"\n[collector]\ncontrol = \"/c\"\n") ==
          Strings{"smtpauth-filter /run/smtpauth-filter/control.sock",
                  "smtpauth-filter@mx1 /run/smtpauth-filter/control-mx1.sock", "smtpauth-log-collector /c"});
}

TEST_CASE("a daemon without a control socket is not asked", "[ctl][daemons]")
{
    CHECK(daemons_of("[filter]\ncontrol = \"\"\n[collector]\ncontrol = \"\"\n").empty());
}

TEST_CASE("mistakes are those of either daemon", "[ctl][daemons]")
{
    const test::TempDirectory directory;
    const std::string file = directory.write("smtpauth.toml", "[collector]\ncontrol = \"inet:127.0.0.1:1\"\n");
    CHECK(load_daemons(file).errors ==
          Strings{file +
                  ":2: collector.control = \"inet:127.0.0.1:1\": expected a UNIX socket such as \"unix:/run/x.sock\""});
    CHECK(load_daemons(directory / "none").errors.size() == 1);
}
