#include "filter/policy/charge_history.hpp"

#include <deque>
#include <random>

#include <catch2/catch.hpp>

using namespace smtpauth;
using namespace std::chrono_literals;

namespace {

constexpr event::Milliseconds hour = 1h;

event::Time at(event::Milliseconds since)
{
    return event::Time(event::Milliseconds(1767225600000)) + since;
}

Charge recipients(std::uint64_t count)
{
    return {.messages = 1, .recipients = count};
}

std::uint64_t sum(const ChargeHistory& history, event::Milliseconds now, event::Milliseconds window)
{
    return history.sum(at(now), window).recipients;
}

} // namespace

TEST_CASE("a charge counts until it is as old as the window, to the millisecond", "[filter][policy]")
{
    ChargeHistory history;
    CHECK(sum(history, 0ms, hour) == 0);
    history.add(at(0ms), recipients(3), hour);
    history.add(at(1ms), recipients(4), hour);
    CHECK(sum(history, 1ms, hour) == 7);
    CHECK(sum(history, hour - 1ms, hour) == 7);
    CHECK(sum(history, hour, hour) == 4);
    CHECK(sum(history, hour + 1ms, hour) == 0);
    CHECK(sum(history, 5min, 5min) == 4);
}

TEST_CASE("each kind of charge is summed by itself", "[filter][policy]")
{
    ChargeHistory history;
    const Charge one{
        .messages = 1, .recipients = 2, .rejected_recipients = 3, .new_recipients = 4, .bytes = 5000000000};
    history.add(at(0ms), one, hour);
    history.add(at(1ms), one, hour);
    CHECK(history.sum(at(2ms), hour) == Charge{2, 4, 6, 8, 10000000000});
}

TEST_CASE("what is older than anybody asks is forgotten", "[filter][policy]")
{
    ChargeHistory history;
    for (int minute = 0; minute < 1000; ++minute)
        history.add(at(std::chrono::minutes(minute)), recipients(1), hour);
    CHECK(history.size() == 60);
    CHECK(sum(history, 999min, hour) == 60);
    CHECK(history.size_bytes() < 8192);
}

TEST_CASE("beyond the largest number of charges older ones are joined, at the later time", "[filter][policy]")
{
    ChargeHistory history;
    for (std::size_t n = 0; n < ChargeHistory::max_charges + 1; ++n)
        history.add(at(event::Milliseconds(n)), recipients(1), hour);
    CHECK(history.size() == ChargeHistory::max_charges * 3 / 4 + 1);
    CHECK(sum(history, 70s, hour) == ChargeHistory::max_charges + 1);
    // The two oldest stand at the time of the second.
    CHECK(sum(history, hour, hour) == ChargeHistory::max_charges + 1);
    CHECK(sum(history, hour + 1ms, hour) == ChargeHistory::max_charges - 1);
}

TEST_CASE("an account that never rests is counted nearly exactly, and never too low", "[filter][policy]")
{
    ChargeHistory history;
    constexpr std::size_t in_window = 200'000;
    const event::Milliseconds window{in_window};
    for (std::size_t n = 0; n < 5 * in_window; ++n) {
        history.add(at(event::Milliseconds(n)), recipients(1), window);
        if (n > in_window && n % 1000 == 0) {
            const auto counted = sum(history, event::Milliseconds(n), window);
            REQUIRE(counted >= in_window);
            REQUIRE(counted <= in_window + in_window / 50);
        }
    }
}

TEST_CASE("a charge is taken back wherever it stands", "[filter][policy]")
{
    ChargeHistory history;
    for (int n = 0; n < 5; ++n)
        history.add(at(event::Milliseconds(n)), recipients(10), hour);
    history.take_back(at(2ms), recipients(10));
    CHECK(sum(history, 5ms, hour) == 40);
    CHECK(sum(history, hour + 1ms, hour) == 20); // the last two
    history.take_back(at(7ms), recipients(10));
    history.take_back(at(3ms), recipients(9));
    CHECK(sum(history, 5ms, hour) == 40);
}

TEST_CASE("a clock that is set back takes the past with it", "[filter][policy]")
{
    ChargeHistory history;
    history.add(at(0min), recipients(1), hour);
    history.add(at(30min), recipients(2), hour);
    CHECK(history.set_clock(at(30min)) == 0ms);
    CHECK(history.set_clock(at(-90min)) == 2h);
    CHECK(sum(history, -90min, hour) == 3);
    CHECK(sum(history, -60min, hour) == 2);
}

TEST_CASE("it is told when there will be room", "[filter][policy]")
{
    ChargeHistory history;
    history.add(at(0min), recipients(10), hour);
    history.add(at(10min), recipients(20), hour);
    history.add(at(20min), recipients(30), hour);
    const auto falls_to = [&](std::uint64_t at_most) {
        return history.falls_to(at_most, &Charge::recipients, at(30min), hour) - at(0ms);
    };
    CHECK(falls_to(60) == 30min); // has already
    CHECK(falls_to(59) == 60min);
    CHECK(falls_to(50) == 60min);
    CHECK(falls_to(49) == 70min);
    CHECK(falls_to(0) == 80min);
    CHECK(ChargeHistory().falls_to(0, &Charge::recipients, at(0ms), hour) == at(0ms));
}

TEST_CASE("windows agree with a plain list of all charges", "[filter][policy]")
{
    std::mt19937 random(GENERATE(1u, 2u, 3u));
    const auto any = [&](int most) { return std::uniform_int_distribution(0, most)(random); };
    ChargeHistory history;
    std::deque<std::pair<event::Time, std::uint64_t>> all;
    event::Time now = at(0ms);
    for (int step = 0; step < 20000; ++step) {
        now += event::Milliseconds(any(3) == 0 ? 0 : any(100000));
        if (any(1) == 0) {
            const auto count = static_cast<std::uint64_t>(any(50));
            history.add(now, recipients(count), hour);
            all.emplace_back(now, count);
        }
        const event::Milliseconds window(1 + any(3600000 - 1));
        std::uint64_t expected = 0;
        for (auto charge = all.rbegin(); charge != all.rend() && now - charge->first < window; ++charge)
            expected += charge->second;
        REQUIRE(history.sum(now, window).recipients == expected);
    }
}
