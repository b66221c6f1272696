#include "collector/rrd/minute_counter.hpp"

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

namespace {

const Minute start = std::chrono::floor<std::chrono::minutes>(test::noon);

} // namespace

TEST_CASE("traffic is added up by the minute, quiet minutes are zeros", "[rrd][counter]")
{
    MinuteCounter counter(start);
    counter.add(start, {1, 10});
    counter.add(start + 59s + 999ms, {1, 5});
    counter.add(start + 3min, {2, 7});
    CHECK(counter.take_until(start + 3min) ==
          std::vector<MinuteRow>{{start, {2, 15}, 2}, {start + 1min, {}, 0}, {start + 2min, {}, 0}});
    CHECK(counter.next() == start + 3min);
    CHECK(counter.take_until(start + 3min).empty());
    CHECK(counter.take_until(start + 4min) == std::vector<MinuteRow>{{start + 3min, {2, 7}, 1}});
    CHECK(counter.late() == 0);
}

TEST_CASE("what comes after its minute was taken is late, and counted as that", "[rrd][counter]")
{
    MinuteCounter counter(start);
    counter.add(start - 1ms, {1, 1});
    CHECK(counter.late() == 1);
    CHECK(counter.take_until(start + 1min).size() == 1);
    counter.add(start + 30s, {1, 1});
    CHECK(counter.late() == 2);
    counter.recount(start + 30s, {1, 1});
    counter.recount(start + 90s, {1, 1});
    CHECK(counter.late() == 2);
    CHECK(counter.take_until(start + 2min) == std::vector<MinuteRow>{{start + 1min, {1, 1}, 1}});
}

TEST_CASE("rows that could not be written come again, with what came meanwhile", "[rrd][counter]")
{
    MinuteCounter counter(start);
    counter.add(start, {1, 3});
    const auto rows = counter.take_until(start + 2min);
    counter.add(start + 2min, {1, 4});
    counter.put_back(rows);
    CHECK(counter.next() == start);
    counter.add(start, {1, 1});
    CHECK(counter.take_until(start + 3min) ==
          std::vector<MinuteRow>{{start, {2, 4}, 2}, {start + 1min, {}, 0}, {start + 2min, {1, 4}, 1}});
    CHECK(counter.late() == 0);
}

TEST_CASE("a gap of more than a week is not filled", "[rrd][counter]")
{
    MinuteCounter counter(start);
    counter.add(start, {1, 1});
    const auto end = start + std::chrono::days(30);
    const auto rows = counter.take_until(end);
    CHECK(rows.size() == std::size_t{7} * 24 * 60);
    CHECK(rows.front().minute == end - std::chrono::days(7));
    CHECK(counter.late() == 1);
}

TEST_CASE("minutes that the file has already are late", "[rrd][counter]")
{
    MinuteCounter counter(start);
    counter.add(start, {1, 1});
    counter.add(start, {1, 1});
    counter.add(start + 1min, {1, 1});
    counter.skip_to(start + 1min);
    CHECK(counter.late() == 2);
    counter.skip_to(start);
    CHECK(counter.take_until(start + 2min) == std::vector<MinuteRow>{{start + 1min, {1, 1}, 1}});
}

TEST_CASE("a clock that runs wild fills no memory", "[rrd][counter]")
{
    MinuteCounter counter(start);
    for (std::size_t minute = 0; minute < MinuteCounter::max_minutes + 5; ++minute)
        counter.add(start + std::chrono::minutes(minute), {1, 1});
    CHECK(counter.late() == 5);
}
