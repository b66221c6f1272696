#include "collector/alert/outbox.hpp"

#include <catch2/catch.hpp>

#include "tests/support/alarms.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

namespace {

using Accounts = std::vector<std::string>;

const Outcome away{Outcome::Kind::unreachable, "connection refused", {}};
const Outcome failed{Outcome::Kind::notice_failed, "later", {}};
const Outcome refused{Outcome::Kind::notice_refused, "554 spam", {}};

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
        return notice ? notice->notice.alarms.size() : 0;
    }
    /// @return  alarms that are given up.
    std::size_t finish(Outcome outcome = {})
    {
        return outbox.finish(std::move(outcome), clock.now(), clock.steady_now());
    }
    /// Has the next delivery end so.
    void deliver(const Outcome& outcome)
    {
        REQUIRE(begin() != 0);
        finish(outcome);
    }
    /// The accounts of what is delivered next, once there is something.
    std::vector<std::string> next()
    {
        auto delivery = outbox.begin(clock.steady_now());
        for (int second = 0; !delivery && second < 3600; ++second) {
            clock.advance(1s);
            delivery = outbox.begin(clock.steady_now());
        }
        REQUIRE(delivery);
        std::vector<std::string> accounts;
        for (const Alarm& alarm : delivery->notice.alarms)
            accounts.push_back(alarm.account);
        return accounts;
    }

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

TEST_CASE_METHOD(Fixture, "while nobody is there one is tried again, ever more rarely, and the rest waits behind it",
                 "[collector][alert]")
{
    add(1);
    std::vector<std::int64_t> waits;
    REQUIRE(begin() == 1);
    add(5);
    for (int tries = 0; tries < 9; ++tries) {
        finish(away);
        const auto failed_at = clock.steady_now();
        while (outbox.begin(clock.steady_now()) == std::nullopt)
            clock.advance(1s);
        waits.push_back(std::chrono::duration_cast<std::chrono::seconds>(clock.steady_now() - failed_at).count());
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
    finish(failed);
    clock.advance(48h - 1s);
    CHECK(begin() == 1);
    finish(failed);
    CHECK(outbox.status().given_up == 0);
    clock.advance(1h);
    CHECK(begin() == 1);
    finish(failed);
    CHECK(outbox.status().given_up == 1);
    CHECK(outbox.undelivered().empty());
}

TEST_CASE_METHOD(Fixture, "of a joined notice only what is too old itself is given up", "[collector][alert]")
{
    add(4);
    clock.advance(47h);
    add(3);
    CHECK(next().size() == 7);
    clock.advance(1h);
    CHECK(finish(failed) == 4);
    CHECK(next() == Accounts{"user4", "user5", "user6"});
    CHECK(outbox.status().given_up == 4);
}

TEST_CASE_METHOD(Fixture, "one that is refused keeps no other back, and is given up after some tries",
                 "[collector][alert]")
{
    add(1);
    deliver(refused);
    add(2);
    CHECK(next() == Accounts{"user1"});
    finish();
    CHECK(next() == Accounts{"user2"});
    finish();
    CHECK(outbox.status().error == "554 spam");
    for (unsigned tries = 2; tries <= Outbox::max_refusals; ++tries) {
        CHECK(next() == Accounts{"user0"});
        CHECK(finish(refused) == (tries == Outbox::max_refusals ? 1 : 0));
    }
    CHECK(outbox.undelivered().empty());
    CHECK(outbox.status().given_up == 1);
}

TEST_CASE_METHOD(Fixture, "one that was refused, or has reached some, is tried as such", "[collector][alert]")
{
    add(1);
    deliver({Outcome::Kind::notice_refused, "554 spam", {"b@example.com"}});
    clock.advance(10s);
    const auto delivery = outbox.begin(clock.steady_now());
    REQUIRE(delivery);
    CHECK(delivery->was_refused);
    CHECK(delivery->left_to == std::vector<std::string>{"b@example.com"});
}

TEST_CASE_METHOD(Fixture, "one that fails every time and others take turns", "[collector][alert]")
{
    add(1);
    deliver(failed);
    clock.advance(1h);
    add(2);
    CHECK(next() == Accounts{"user0"});
    clock.advance(1h); // so long the server took
    finish(failed);
    clock.advance(1h);
    CHECK(next() == Accounts{"user1"});
}

TEST_CASE_METHOD(Fixture, "where all fail there are not more and more tries, and none is lost", "[collector][alert]")
{
    int tries = 0;
    for (int second = 0; second < 24 * 3600; ++second) {
        clock.advance(1s);
        if (second % 600 == 0)
            add(1);
        if (begin() != 0) {
            ++tries;
            finish(failed);
        }
    }
    CHECK(tries < 24 * 3600 / 60);
    CHECK(outbox.undelivered().size() == 144);
    CHECK(outbox.status().waiting == 144);
    for (int at = 0; at < 144; ++at)
        if (outbox.status().waiting != 0) {
            next();
            finish();
        }
    CHECK(outbox.undelivered().empty());
}

TEST_CASE_METHOD(Fixture, "beyond the bound closing notes go first, then the oldest; all are counted",
                 "[collector][alert]")
{
    add(100);
    Alarm closed = test::alarm("closed");
    closed.event = Alarm::Event::closed;
    for (int at = 0; at < 150; ++at)
        outbox.add(closed);
    CHECK(outbox.undelivered().size() == 200);
    CHECK(outbox.status().given_up == 50);
    CHECK(outbox.undelivered()[0].account == "user0");
    add(110);
    CHECK(outbox.status().given_up == 160);
    CHECK(outbox.undelivered().size() == 200);
    CHECK(outbox.undelivered()[0].account == "user10");
    outbox.add(closed);
    CHECK(outbox.undelivered().back().account == "user209");
}

TEST_CASE_METHOD(Fixture, "turned off it forgets, also what is being tried", "[collector][alert]")
{
    add(2);
    REQUIRE(begin() == 1);
    outbox.set({.on = false});
    add(1);
    finish(failed);
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
