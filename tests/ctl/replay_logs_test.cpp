#include "ctl/replay_logs.hpp"

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;

namespace {

std::string line(int second, const std::string& auth_id)
{
    return "eom_time:2026-03-01 12:00:" + std::to_string(second) + " +0000\tauth_id:" + auth_id + '\n';
}

} // namespace

TEST_CASE("lines of several files come in the order of their times", "[ctl][replay]")
{
    const test::TempDirectory directory;
    const std::string stats = directory.write("stats.log", line(10, "a") + line(20, "c") + line(40, "e"));
    const std::string rejects = directory.write("rejects.log", line(10, "b") + line(30, "d"));
    const std::string empty = directory.write("empty.log", "");
    ReplayLogs logs(system_disk(), {stats, rejects, empty});
    std::string found;
    while (const event::Record* const record = logs.next())
        found += record->auth_id;
    CHECK(found == "abcde");
    CHECK(logs.lines() == 5);
    CHECK(logs.errors().empty());
}

TEST_CASE("lines that are none are counted, the first is named", "[ctl][replay]")
{
    const test::TempDirectory directory;
    const std::string log = directory.write("stats.log", line(10, "a") + "nothing\n" + line(20, "b") + "auth_id:c\n");
    ReplayLogs logs(system_disk(), {log, log + ".missing"});
    while (logs.next()) {
    }
    CHECK(logs.lines() == 4);
    CHECK(logs.bad_lines() == 2);
    CHECK(logs.first_bad_line().starts_with(log + ":2: "));
    REQUIRE(logs.errors().size() == 1);
    CHECK(logs.errors().front().starts_with(log + ".missing: cannot open"));
}
