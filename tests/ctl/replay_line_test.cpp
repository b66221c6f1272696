#include "ctl/replay_line.hpp"

#include <cstdlib>
#include <ctime>
#include <string>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include "collector/stats_log/line.hpp"
#include "collector/stats_log/line_reader.hpp"
#include "tests/support/records.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

namespace {

event::Record read(std::string_view line)
{
    event::Record record;
    REQUIRE(read_replay_line(line, record).empty());
    return record;
}

std::string error(std::string_view line)
{
    event::Record record;
    return read_replay_line(line, record);
}

} // namespace

TEST_CASE("a line of the collector is read as its own reader does, but for what no rule asks for", "[ctl][replay]")
{
    event::Record written = GENERATE(test::message(), test::refusal());
    written.rcpt_unlisted = 3;
    std::string line;
    append_line(line, written, {0xa, 1}, LogRecipients::full);
    event::Record expected = std::get<LoggedRecord>(read_log_line(line)).record;
    expected.client_port = 0;
    expected.connect_time = {};
    expected.auth_id_raw.clear();
    expected.reason.clear();
    CHECK(read(line) == expected);
}

TEST_CASE("lines of the predecessor: labels in any order, UTC by name, no id", "[ctl][replay]")
{
    const event::Record record =
        read("recipient:a@example.net\teom_time:2026-03-01 12:34:56 UTC\tauth_id:DOM\\user\tconnect_time:what\t"
             "recipient:b@example.net\tsender:\tclient_address:192.0.2.7\tcountry:JP\n");
    CHECK(record.eom_time == std::chrono::floor<std::chrono::seconds>(test::noon) + 999ms);
    CHECK(record.auth_id == "DOM\\user");
    CHECK(record.sender == "");
    CHECK(record.recipients.size() == 2);
    CHECK(event::passed(record));
}

TEST_CASE("a zone's name is taken where it is this machine's", "[ctl][replay]")
{
    const char* const before = std::getenv("TZ"); // NOLINT(concurrency-mt-unsafe)
    const std::string kept = before ? before : "";
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1); // NOLINT(concurrency-mt-unsafe)
    tzset();
    const event::Time winter = read("eom_time:2026-01-01 13:00:00 CET").eom_time;
    const event::Time summer = read("eom_time:2026-07-01 14:00:00 CEST").eom_time;
    const std::string other = error("eom_time:2026-07-01 14:00:00 JST");
    before ? setenv("TZ", kept.c_str(), 1) : unsetenv("TZ"); // NOLINT(concurrency-mt-unsafe)
    tzset();
    CHECK(winter == read("eom_time:2026-01-01 12:00:00 +0000").eom_time);
    CHECK(summer == read("eom_time:2026-07-01 12:00:00 +0000").eom_time);
    CHECK(other == "eom_time: a value that this label cannot have");
}

TEST_CASE("what is no line is said to be none", "[ctl][replay]")
{
    CHECK(error("auth_id:alice") == "no label eom_time");
    CHECK(error("eom_time:yesterday") == "eom_time: a value that this label cannot have");
    CHECK(error("eom_time:2026-03-01 12:34:56 +0000\tsize:many") == "size: a value that this label cannot have");
    CHECK_FALSE(error("no field at all").empty());
}

TEST_CASE("nothing of one line is left in the next", "[ctl][replay]")
{
    event::Record record;
    std::string full;
    append_line(full, test::refusal(), {0xa, 1}, LogRecipients::full);
    REQUIRE(read_replay_line(full, record).empty());
    REQUIRE(read_replay_line("eom_time:2026-03-01 12:34:56 +0000", record).empty());
    event::Record expected;
    expected.eom_time = std::chrono::floor<std::chrono::seconds>(test::noon) + 999ms;
    CHECK(record == expected);
}
