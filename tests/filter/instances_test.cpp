#include "filter/instances.hpp"

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using Strings = std::vector<std::string>;

namespace {

FilterConfigResult load(std::string_view text, const std::string& instance = "")
{
    const test::TempDirectory directory;
    const std::string file = directory.write("smtpauth.toml", text);
    FilterConfigResult result = load_filter_config(file, instance);
    for (std::string& error : result.errors)
        error.erase(0, file.size() + 1);
    return result;
}

constexpr auto two = R"([filter]
reject_text = "5.7.1 No"
max_connections = 7
auth_id_normalize = []
[filter.instances.mx1]
listen = "unix:/run/mx1.sock"
reject_text = "5.7.1 Never"
[filter.instances.mx-2]
listen = ["unix:/run/mx2.sock", "inet:127.0.0.1:10025"]
state_directory = "/srv/two"
control = ""
auth_id_normalize = ["lowercase"]
)";

} // namespace

TEST_CASE("an instance takes the filter's settings, and over them its own", "[filter][instances]")
{
    const auto [config, instances, errors] = load(two, "mx1");
    CHECK(errors.empty());
    CHECK(instances == Strings{"mx-2", "mx1"});
    CHECK(config.instance == "mx1");
    CHECK(config.listen == std::vector<SocketSpec>{UnixSocketSpec{"/run/mx1.sock"}});
    CHECK(config.reject_text == "5.7.1 Never");
    CHECK(config.max_connections == 7);
    CHECK_FALSE(config.auth_id_normalize.lowercase);
}

TEST_CASE("without a name the instances are only checked", "[filter][instances]")
{
    const auto [config, instances, errors] = load(two);
    CHECK(errors.empty());
    CHECK(config.instance.empty());
    CHECK(config.reject_text == "5.7.1 No");
    CHECK(config.log.program == "smtpauth-filter");
}

TEST_CASE("what an instance does not name itself lies beside the filter's own", "[filter][instances]")
{
    const auto first = load(two, "mx1").config;
    CHECK(first.state_directory == "/var/lib/smtpauth-filter/mx1");
    CHECK(first.journal_directory == "/var/lib/smtpauth-filter/mx1/journal");
    CHECK(first.control == UnixSocketSpec{"/run/smtpauth-filter/control-mx1.sock"});
    CHECK(first.log.program == "smtpauth-filter@mx1");

    const auto second = load(two, "mx-2").config;
    CHECK(second.state_directory == "/srv/two");
    CHECK(second.journal_directory == "/srv/two/journal");
    CHECK_FALSE(second.control);
    CHECK(second.auth_id_normalize.lowercase);

    const auto elsewhere =
        load("[filter]\njournal_directory = \"/fast\"\n[filter.instances.a]\nlisten = \"/a\"\n", "a").config;
    CHECK(elsewhere.journal_directory == "/fast/a");

    const auto without = load("[filter]\ncontrol = \"\"\n[filter.instances.a]\nlisten = \"/a\"\n", "a").config;
    CHECK_FALSE(without.control);
}

TEST_CASE("an unknown name is an error that lists those there are", "[filter][instances]")
{
    CHECK(load(two, "mx3").errors ==
          Strings{"5: filter.instances.mx3: expected this table for --instance; there are: mx-2, mx1"});
    CHECK(load("", "mx3").errors ==
          Strings{" filter.instances.mx3: expected this table for --instance; there are none"});
}

TEST_CASE("two filters share no socket and no directory", "[filter][instances]")
{
    CHECK(load("[filter.instances.a]\n").errors ==
          Strings{"1: filter.instances.a.listen: expected a setting, for no two filters can listen on one socket"});
    CHECK(load("[filter]\nlisten = \"/x\"\n[filter.instances.a]\nlisten = \"unix:/x\"\n").errors ==
          Strings{"4: filter.instances.a.listen = \"unix:/x\": expected one of its own: unix:/x is in [filter]"});
    CHECK(load("[filter.instances.a]\nlisten = \"/a\"\ncontrol = \"/a\"\n").errors.empty());
    CHECK(
        load("[filter.instances.a]\nlisten = \"/a\"\n[filter.instances.b]\nlisten = \"/b\"\ncontrol = \"/a\"\n")
            .errors ==
        Strings{"5: filter.instances.b.control = \"/a\": expected one of its own: unix:/a is in [filter.instances.a]"});
    CHECK(load("[filter.instances.journal]\nlisten = \"/a\"\n").errors ==
          Strings{"1: filter.instances.journal.state_directory: expected one of its own: "
                  "/var/lib/smtpauth-filter/journal is in [filter]"});
}

TEST_CASE("a name that is too long for a socket's path asks for a control of its own", "[filter][instances]")
{
    const std::string path = "/run/" + std::string(96, 'x');
    const std::string text = "[filter]\ncontrol = \"" + path + "\"\n[filter.instances.a-long-name]\nlisten = \"/a\"\n";
    CHECK(load(text).errors == Strings{"3: filter.instances.a-long-name.control: expected one of its own: unix:" +
                                       path + " is in [filter]"});
}

TEST_CASE("an instance's settings are checked like the filter's", "[filter][instances]")
{
    const std::string head = "[filter.instances.a]\nlisten = \"/a\"\n";
    CHECK(load(head + "threads = 0\n").errors ==
          Strings{"3: filter.instances.a.threads = 0: expected a whole number from 1 to 64"});
    CHECK(load(head + "reject_txt = \"x\"\n").errors ==
          Strings{"3: filter.instances.a.reject_txt = \"x\": unknown setting; did you mean "
                  "filter.instances.a.reject_text?"});
    CHECK(load(head + "[filter.instances.a.instances.b]\nlisten = \"/b\"\n").errors ==
          Strings{"3: [filter.instances.a.instances]: unknown table"});
    CHECK(load("[filter]\ninstances = 1\n").errors == Strings{"2: filter.instances = 1: expected a table"});
    CHECK(load("[filter]\nreject_text = \"\"\n" + head).errors ==
          Strings{"2: filter.reject_text = \"\": expected 1 to 500 characters, not 0"});
}

TEST_CASE("a name may become part of a path", "[filter][instances]")
{
    for (const char* name : {"../x", "a.b", "a@b", "", "a b", "abcdefghijklmnopqrstuvwxyz0123456"}) {
        CAPTURE(name);
        const auto errors = load(std::string("[filter.instances.\"") + name + "\"]\nlisten = \"/a\"\n").errors;
        REQUIRE(errors.size() == 1);
        CHECK(errors[0] == std::string("1: filter.instances.") + name +
                               " = {...}: expected a name of 1 to 32 letters, digits, \"-\" and \"_\"");
    }
}
