#include "common/reload_schedule.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;
using namespace std::chrono_literals;
using Verdict = ReloadSchedule::Verdict;

namespace {

const ReloadSchedule::Time start{1h};

} // namespace

TEST_CASE("a list that stands still is not read", "[common][reload_schedule]")
{
    CHECK_FALSE(ReloadSchedule().due());
}

TEST_CASE("a list that its writer closed or renamed into place is read at once", "[common][reload_schedule]")
{
    ReloadSchedule schedule;
    schedule.completed(start);
    CHECK(schedule.due() == start);
    CHECK(schedule.judge(start, 10, 9) == Verdict::take);
    CHECK_FALSE(schedule.due());
}

TEST_CASE("a list that is written to is read 300 ms after the last change", "[common][reload_schedule]")
{
    ReloadSchedule schedule;
    schedule.changed(start);
    CHECK(schedule.due() == start + 300ms);
    schedule.changed(start + 200ms);
    CHECK(schedule.due() == start + 500ms);
}

TEST_CASE("a list that never stands still is read after 1 s, and again", "[common][reload_schedule]")
{
    ReloadSchedule schedule;
    for (auto now = start; now <= start + 900ms; now += 100ms)
        schedule.changed(now);
    CHECK(schedule.due() == start + 1s);
    CHECK(schedule.judge(start + 1s, 10, 11) == Verdict::take);
    for (auto now = start + 1100ms; now <= start + 2s; now += 100ms)
        schedule.changed(now);
    CHECK(schedule.due() == start + 2100ms);
}

TEST_CASE("a list that became empty is taken only after 1 s of quiet", "[common][reload_schedule]")
{
    ReloadSchedule schedule;
    schedule.completed(start);
    CHECK(schedule.judge(start, 1, 0) == Verdict::wait);
    CHECK(schedule.due() == start + 1s);
    CHECK(schedule.judge(start + 1s, 1, 0) == Verdict::warn);
    CHECK_FALSE(schedule.due());
}

TEST_CASE("a list that lost more than half is taken only after 1 s of quiet", "[common][reload_schedule]")
{
    ReloadSchedule schedule;
    schedule.completed(start);
    CHECK(schedule.judge(start, 10, 5) == Verdict::take);
    schedule.completed(start);
    CHECK(schedule.judge(start, 10, 4) == Verdict::wait);
}

TEST_CASE("each change of a list that shrank begins the quiet second anew", "[common][reload_schedule]")
{
    ReloadSchedule schedule;
    schedule.completed(start); // truncated
    CHECK(schedule.judge(start, 100, 0) == Verdict::wait);
    schedule.changed(start + 800ms); // the first lines come
    CHECK(schedule.due() == start + 1100ms);
    CHECK(schedule.judge(start + 1100ms, 100, 30) == Verdict::wait);
    CHECK(schedule.due() == start + 1800ms);
    schedule.completed(start + 1500ms); // the writer is done
    CHECK(schedule.due() == start + 1500ms);
    CHECK(schedule.judge(start + 1500ms, 100, 100) == Verdict::take);
}

TEST_CASE("a list that was empty shrinks no further", "[common][reload_schedule]")
{
    ReloadSchedule schedule;
    schedule.completed(start);
    CHECK(schedule.judge(start, 0, 0) == Verdict::take);
}

TEST_CASE("a list that has vanished is not read", "[common][reload_schedule]")
{
    ReloadSchedule schedule;
    schedule.changed(start);
    schedule.cancel();
    CHECK_FALSE(schedule.due());
    schedule.changed(start + 5s);
    CHECK(schedule.due() == start + 5300ms);
}
