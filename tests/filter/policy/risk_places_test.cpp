#include "filter/policy/risk_places.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;

namespace {

constexpr RiskDay monday = 20'000;

} // namespace

TEST_CASE("a place becomes familiar by mail to known recipients on several days", "[filter][risk]")
{
    RiskPlaces<4> places;
    for (RiskDay day = monday; day < monday + 3; ++day)
        for (int message = 0; message < 5; ++message)
            places.note(1, day, true);
    CHECK(places.days_before(1, monday) == 3); // days that lie ahead of a clock that was set back count
    CHECK(places.days_before(1, monday + 2) == 2);
    CHECK(places.days_before(1, monday + 3) == 3);
}

TEST_CASE("mail to strangers makes no place familiar, for however long it goes on", "[filter][risk]")
{
    RiskPlaces<4> places;
    for (RiskDay day = monday; day < monday + 100; ++day)
        for (int message = 0; message < 8; ++message)
            places.note(1, day, message % 8 == 7); // one in eight is taken for somebody known
    CHECK(places.days_before(1, monday + 100) == 0);
}

TEST_CASE("what happens today makes nothing familiar today", "[filter][risk]")
{
    RiskPlaces<4> places;
    for (int message = 0; message < 100; ++message)
        places.note(1, monday, true);
    CHECK(places.days_before(1, monday) == 0);
    CHECK(places.has_credit(1));
    CHECK(places.days_before(1, monday + 1) == 1);
}

TEST_CASE("a table that is full forgets the least familiar, of those the least recently used", "[filter][risk]")
{
    RiskPlaces<3> places;
    places.settle(1, monday);
    places.note(2, monday, true);
    places.note(3, monday, true);
    places.note(2, monday, true);
    places.note(4, monday, true);
    CHECK(places.find(1));
    CHECK(places.find(2));
    CHECK_FALSE(places.find(3));
    CHECK(places.find(4));
    CHECK(places.begin()->key == 4);
}
