#include "common/complaints.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;
using namespace std::chrono_literals;

TEST_CASE("of many complaints one in a while is due, and all are counted", "[common][complaints]")
{
    Complaints complaints;
    ManualClock clock;
    CHECK(complaints.due(clock.steady_now()));
    clock.advance(Complaints::interval - 1ms);
    CHECK_FALSE(complaints.due(clock.steady_now()));
    clock.advance(1ms);
    CHECK(complaints.due(clock.steady_now()));
    CHECK_FALSE(complaints.due(clock.steady_now()));
    CHECK(complaints.count() == 4);
}
