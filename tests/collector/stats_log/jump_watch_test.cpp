#include "collector/stats_log/jump_watch.hpp"

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

TEST_CASE("a clock that goes its way is trusted soon after the start", "[stats_log][clock]")
{
    ManualClock clock;
    clock.set(test::noon);
    JumpWatch watch(clock);
    CHECK_FALSE(watch.look());
    clock.advance(9min);
    CHECK_FALSE(watch.look());
    clock.advance(1min);
    CHECK(watch.look());
    // Small corrections are no jumps.
    for (int minute = 0; minute < 100; ++minute) {
        clock.advance(1min);
        clock.set(clock.now() + 1s);
        CHECK(watch.look());
    }
}

TEST_CASE("after a jump either way nothing is trusted for a day", "[stats_log][clock]")
{
    const auto jump = GENERATE(-2h, 2h, 400 * 24h, -400 * 24h);
    ManualClock clock;
    clock.set(test::noon);
    JumpWatch watch(clock);
    clock.advance(1h);
    REQUIRE(watch.look());
    clock.set(clock.now() + jump);
    CHECK_FALSE(watch.look());
    for (int hour = 0; hour < 23; ++hour) {
        clock.advance(1h);
        CHECK_FALSE(watch.look());
    }
    clock.advance(1h);
    CHECK(watch.look());
}
