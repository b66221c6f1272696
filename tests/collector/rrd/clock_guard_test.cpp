#include "collector/rrd/clock_guard.hpp"

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

TEST_CASE("a clock that goes its way is believed, also when it is put back or a little forward", "[rrd][clock]")
{
    ManualClock clock;
    clock.set(test::noon);
    ClockGuard guard(clock);
    clock.advance(10min);
    CHECK(guard.believed_now() == clock.now());
    clock.set(clock.now() + 4min);
    CHECK(guard.believed_now() == clock.now());
    clock.set(clock.now() - 2h);
    CHECK(guard.believed_now() == clock.now());
    CHECK_FALSE(guard.is_ahead());
}

TEST_CASE("a clock that jumps ahead is not followed until it has stayed there", "[rrd][clock]")
{
    ManualClock clock;
    clock.set(test::noon);
    ClockGuard guard(clock);
    clock.set(test::noon + 400 * 24h);
    CHECK(guard.believed_now() == test::noon);
    CHECK(guard.is_ahead());
    clock.advance(30min);
    CHECK(guard.believed_now() == test::noon + 30min);

    SECTION("put right again")
    {
        clock.set(test::noon + 30min);
        CHECK(guard.believed_now() == clock.now());
        CHECK_FALSE(guard.is_ahead());
    }
    SECTION("left as it is")
    {
        clock.advance(30min);
        CHECK(guard.believed_now() == clock.now());
        CHECK_FALSE(guard.is_ahead());
    }
}

TEST_CASE("a clock that was set back and is put right is believed at once", "[rrd][clock]")
{
    ManualClock clock;
    clock.set(test::noon);
    ClockGuard guard(clock);
    clock.set(test::noon - 400 * 24h);
    CHECK(guard.believed_now() == clock.now());
    clock.advance(2h);
    CHECK(guard.believed_now() == clock.now());
    clock.set(test::noon + 2h);
    CHECK(guard.believed_now() == clock.now());
    CHECK_FALSE(guard.is_ahead());
    clock.set(test::noon + 400 * 24h);
    CHECK(guard.believed_now() == test::noon + 2h);
    CHECK(guard.is_ahead());
}
