#include "ctl/log_options.hpp"

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"
#include "tests/support/time_zone.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

TEST_CASE("a moment is how long ago, or a time as the logs show it", "[ctl][log_options]")
{
    const test::TimeZone zone("JST-9");
    CHECK(parse_moment("90m", test::noon) == test::noon - 90min);
    CHECK(parse_moment("2026-03-01 12:34:56 +0000", {}) == test::noon - 789ms);
    CHECK(parse_moment("2026-03-01 21:34:56", {}) == test::noon - 789ms);
    for (const char* wrong : {"", "yesterday", "1", "2026-03-01", "2026-02-30 00:00:00", "2026-03-01 21:34:56 JST"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_moment(wrong, test::noon));
    }
}

TEST_CASE("times are shown as the logs do, or in UTC", "[ctl][log_options]")
{
    const test::TimeZone zone("JST-9");
    CHECK(exact_text(test::noon) == "2026-03-01 21:34:56.789 +0900");
    CHECK(short_text(test::noon) == "2026-03-01 21:34:56");
    CHECK(json_time(test::noon) == "2026-03-01T12:34:56.789Z");
}

TEST_CASE("an account is asked for as the logs show it", "[ctl][log_options]")
{
    CHECK(account_argument(R"(A\tb\\)", {}) == "a\tb\\");
    CHECK(account_argument(R"(dom\user)", {}) == R"(dom\user)");
    CHECK(account_text("a\tb\x1b") == R"(a\tb\x1b)");
}
