#include "collector/stats_log/local_time.hpp"

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"
#include "tests/support/time_zone.hpp"

using namespace smtpauth;
using test::noon;
using test::TimeZone;

namespace {

std::string local_text(event::Time time)
{
    std::string text;
    append_local_time(text, time);
    return text;
}

} // namespace

TEST_CASE("times are local, with their offset", "[stats_log][time]")
{
    const auto [zone, text] = GENERATE(table<const char*, const char*>({{"UTC0", "2026-03-01 12:34:56 +0000"},
                                                                        {"JST-9", "2026-03-01 21:34:56 +0900"},
                                                                        {"NST3:30", "2026-03-01 09:04:56 -0330"},
                                                                        {"NPT-5:45", "2026-03-01 18:19:56 +0545"}}));
    CAPTURE(zone);
    const TimeZone local(zone);
    CHECK(local_text(noon) == text);
    CHECK(parse_local_time(text) == std::chrono::floor<std::chrono::seconds>(noon));
}

TEST_CASE("a time reads the same in another time zone", "[stats_log][time]")
{
    const TimeZone local("UTC0");
    CHECK(parse_local_time("2026-03-01 21:34:56 +0900") == std::chrono::floor<std::chrono::seconds>(noon));
}

TEST_CASE("the two hours of a night that clocks are put back stay two", "[stats_log][time]")
{
    const TimeZone local("CET-1CEST,M3.5.0,M10.5.0/3");
    const event::Time first = event::Time(std::chrono::seconds(1792888200)); // 2026-10-25 00:30 UTC
    CHECK(local_text(first) == "2026-10-25 02:30:00 +0200");
    CHECK(local_text(first + std::chrono::hours(1)) == "2026-10-25 02:30:00 +0100");
    CHECK(parse_local_time(local_text(first)) == first);
    CHECK(parse_local_time(local_text(first + std::chrono::hours(1))) == first + std::chrono::hours(1));
}

TEST_CASE("what is no time is refused", "[stats_log][time]")
{
    for (const char* text : {"", "2026-03-01 12:34:56", "2026-03-01T12:34:56 +0000", "2026-02-30 12:34:56 +0000",
                             "2026-03-01 24:00:00 +0000", "2026-03-01 12:60:00 +0000", "2026-03-01 12:34:56 +0060",
                             "2026-03-01 12:34:56 UTC00", "2026-03-01 -2:34:56 +0000", "2026-03-01 12:34:56 +0000 "}) {
        CAPTURE(text);
        CHECK_FALSE(parse_local_time(text));
    }
}

TEST_CASE("the date is the local one", "[stats_log][time]")
{
    const TimeZone local("XXX-14");
    CHECK(local_date(noon) == "20260302");
}
