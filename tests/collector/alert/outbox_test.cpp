#include "collector/alert/outbox.hpp"

#include <catch2/catch.hpp>

#include "tests/support/alarms.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    explicit Fixture(
        OutboxSettings settings = {.on = true, .per_hour = 20, .retry = 10s, .give_up = 48h, .max_waiting = 200})
        : outbox(settings)
    {
        clock.set(test::noon);
    }

    void add(int count)
    {
        for (int at = 0; at < count; ++at) {
            Alarm alarm = test::alarm("user" + std::to_string(added++));
            alarm.told = std::chrono::floor<std::chrono::seconds>(clock.now());
            outbox.add(alarm);
        }
    }
    /// The number of alarms of what begins now; 0: nothing does.
    std::size_t begin()
    {
        const auto notice = outbox.begin(clock.steady_now());
        return notice ? notice->alarms.size() : 0;
    }
    void finish(const std::string& error = "") { outbox.finish(error, clock.now(), clock.steady_now()); }

    Outbox outbox;
    ManualClock clock;
    int added = 0;
};

} // namespace

TEST_CASE_METHOD(Fixture, "few alarms go out one by one, one at a time", "[collector][alert]")
{
    add(3);
    CHECK(begin() == 1);
    CHECK(begin() == 0);
    finish();
    CHECK(begin() == 1);
    finish();
    CHECK(begin() == 1);
    finish();
    CHECK(begin() == 0);
    CHECK(outbox.status().delivered == 3);
    CHECK(outbox.undelivered().empty());
}

TEST_CASE_METHOD(Fixture, "many at once are one notice", "[collector][alert]")
{
    add(150);
    CHECK(begin() == Outbox::max_in_notice);
    finish();
    CHECK(begin() == 50);
}

TEST_CASE("in any hour there are at most so many, and none waits longer than it must", "[collector][alert]")
{
    const auto per_hour = GENERATE(2U, 3U, 20U);
    Fixture fixture({.on = true, .per_hour = per_hour, .retry = 10s, .give_up = 48h, .max_waiting = 200});
    std::vector<Clock::SteadyTime> sent;
    std::size_t told = 0;
    for (int second = 0; second < 4 * 3600; ++second) {
        fixture.clock.advance(1s);
        if (second % 60 == 0)
            fixture.add(1);
        if (const std::size_t count = fixture.begin()) {
            told += count;
            sent.push_back(fixture.clock.steady_now());
            fixture.finish();
        }
    }
    for (std::size_t at = per_hour; at < sent.size(); ++at)
        REQUIRE(sent[at] - sent[at - per_hour] >= 1h - 1s);
    CHECK(sent.size() >= std::size_t{4} * (per_hour - per_hour / 2));
    CHECK(told + fixture.outbox.status().waiting == static_cast<std::size_t>(fixture.added));
    CHECK(fixture.outbox.status().waiting <= 61);
    CHECK(fixture.outbox.status().given_up == 0);
}

TEST_CASE_METHOD(Fixture, "what fails is tried again, ever more rarely, and the rest waits behind it",
                 "[collector][alert]")
{
    add(1);
    std::vector<std::int64_t> waits;
    REQUIRE(begin() == 1);
    add(5);
    for (int tries = 0; tries < 9; ++tries) {
        finish("connection refused");
        const auto failed = clock.steady_now();
        while (outbox.begin(clock.steady_now()) == std::nullopt)
            clock.advance(1s);
        waits.push_back(std::chrono::duration_cast<std::chrono::seconds>(clock.steady_now() - failed).count());
    }
    CHECK(waits == std::vector<std::int64_t>{10, 20, 40, 80, 160, 320, 640, 900, 900});
    CHECK(outbox.status().error == "connection refused");
    CHECK(outbox.status().waiting == 6);
    finish();
    CHECK(outbox.status().error.empty());
    clock.advance(1h);
    CHECK(begin() == 5);
}

TEST_CASE_METHOD(Fixture, "what cannot be delivered for two days is given up, and counted", "[collector][alert]")
{
    add(1);
    CHECK(begin() == 1);
    finish("no");
    clock.advance(48h - 1s);
    CHECK(begin() == 1);
    finish("no");
    CHECK(outbox.status().given_up == 0);
    clock.advance(1h);
    CHECK(begin() == 1);
    finish("no");
    CHECK(outbox.status().given_up == 1);
    CHECK(outbox.undelivered().empty());
}

TEST_CASE_METHOD(Fixture, "beyond the bound the oldest is dropped, and counted", "[collector][alert]")
{
    add(1);
    REQUIRE(begin() == 1);
    add(210);
    CHECK(outbox.status().given_up == 10);
    CHECK(outbox.undelivered().size() == 201);
    CHECK(outbox.undelivered()[0].account == "user0");
    CHECK(outbox.undelivered()[1].account == "user11");
}

TEST_CASE_METHOD(Fixture, "turned off it forgets, also what is being tried", "[collector][alert]")
{
    add(2);
    REQUIRE(begin() == 1);
    outbox.set({.on = false});
    add(1);
    finish("no");
    CHECK(outbox.undelivered().empty());
    CHECK(begin() == 0);
}

TEST_CASE_METHOD(Fixture, "what is being delivered is undelivered until that is known", "[collector][alert]")
{
    add(2);
    REQUIRE(begin() == 1);
    CHECK(outbox.undelivered().size() == 2);
    finish();
    CHECK(outbox.undelivered().size() == 1);
}
