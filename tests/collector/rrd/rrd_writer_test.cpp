#include "collector/rrd/rrd_writer.hpp"

#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"
#include "tests/support/rrd_reader.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::sum_of_rrd;
using test::TempDirectory;

namespace {

const Minute start = std::chrono::floor<std::chrono::minutes>(test::noon);

/// Two recipients a message.
TrafficSample message_at(event::Time time)
{
    return {Graph::passed, time, {1, 2}};
}

struct Fixture {
    Fixture() { clock.set(start); }

    std::string stats() const { return directory / "stats.rrd"; }
    double sent(Minute begin, Minute end) const { return sum_of_rrd(stats(), "sent", begin, end); }
    double sent_in(Minute minute) const { return test::read_rrd(stats(), "sent", minute, minute + 1min).at(minute); }
    Minute written() const { return std::get<Minute>(RrdFile(stats(), {"recv", "sent"}).open(start)); }

    TempDirectory directory;
    ManualClock clock;
};

} // namespace

TEST_CASE("a minute is written when it is over and its delay too", "[rrd][writer]")
{
    Fixture t;
    RrdWriter writer(t.directory.path(), 120s, t.clock);
    writer.add(message_at(start + 5s));
    writer.add({Graph::refused, start + 6s, {61, 0, 1, 0}});
    t.clock.advance(60s + 119s);
    writer.write_due();
    CHECK(t.written() == start);
    t.clock.advance(1s);
    writer.write_due();
    CHECK(t.written() == start + 1min);
    CHECK(t.sent(start, start + 1min) == Approx(2));
    CHECK(sum_of_rrd(t.directory / "refusals.rrd", "reject", start, start + 1min) == Approx(61));
    CHECK(sum_of_rrd(t.directory / "refusals.rrd", "hold", start, start + 1min) == Approx(1));
}

TEST_CASE("all minutes together are all traffic, over restarts too", "[rrd][writer]")
{
    Fixture t;
    std::vector<TrafficSample> log;
    for (int run = 0; run < 3; ++run) {
        RrdWriter writer(t.directory.path(), 30s, t.clock);
        for (const auto& sample : log)
            writer.recount(sample);
        for (int second = 0; second < 200; ++second) {
            log.push_back(message_at(t.clock.now()));
            writer.add(log.back());
            t.clock.advance(1s);
            writer.write_due();
        }
        CHECK(writer.late() == 0);
    }
    RrdWriter writer(t.directory.path(), 30s, t.clock);
    for (const auto& sample : log)
        writer.recount(sample);
    t.clock.advance(2min);
    writer.write_due();
    CHECK(t.sent(start, start + 12min) == Approx(2 * 600));
}

TEST_CASE("after a start the filters have time to bring what they kept", "[rrd][writer]")
{
    Fixture t;
    {
        RrdWriter writer(t.directory.path(), 1s, t.clock);
        t.clock.advance(61s);
        writer.write_due();
        REQUIRE(t.written() == start + 1min);
    }
    t.clock.advance(10min);
    RrdWriter writer(t.directory.path(), 1s, t.clock);
    writer.write_due();
    t.clock.advance(9s);
    writer.write_due();
    writer.add(message_at(start + 5min));
    t.clock.advance(1s);
    writer.write_due();
    CHECK(t.written() == start + 11min);
    CHECK(t.sent(start, start + 11min) == Approx(2));
    CHECK(writer.late() == 0);
}

TEST_CASE("a late record is counted, not drawn", "[rrd][writer]")
{
    Fixture t;
    RrdWriter writer(t.directory.path(), 10s, t.clock);
    t.clock.advance(5min);
    writer.write_due();
    writer.add(message_at(start + 1min));
    CHECK(writer.late() == 1);
    t.clock.advance(1min);
    writer.write_due();
    CHECK(t.sent(start, start + 5min) == Approx(0));
}

TEST_CASE("a clock that jumps ahead does not close the file for the time until then", "[rrd][writer]")
{
    Fixture t;
    RrdWriter writer(t.directory.path(), 10s, t.clock);
    t.clock.advance(1min);
    t.clock.set(t.clock.now() + 400 * 24h);
    writer.add(message_at(t.clock.now()));
    writer.write_due();
    t.clock.set(start + 2min);
    writer.add(message_at(t.clock.now()));
    t.clock.advance(2min);
    writer.write_due();
    CHECK(t.written() == start + 3min);
    CHECK(t.sent(start, start + 3min) == Approx(2));
}

TEST_CASE("a file from the far future goes on with what it had before, and is kept", "[rrd][writer]")
{
    Fixture t;
    {
        RrdWriter writer(t.directory.path(), 10s, t.clock);
        writer.add(message_at(start + 1s));
        t.clock.advance(2min);
        writer.write_due();
        t.clock.set(start + 10 * 24h);
        writer.write_due();
        t.clock.advance(2h); // long enough for it to be believed
        writer.write_due();
        REQUIRE(t.written() > start + 10 * 24h);
    }
    t.clock.set(start + 5min);
    RrdWriter writer(t.directory.path(), 10s, t.clock);
    t.clock.advance(1min);
    writer.add(message_at(start + 6min + 1s));
    t.clock.advance(2min);
    writer.write_due();
    CHECK(t.written() == start + 7min);
    CHECK(t.sent(start + 4min, start + 7min) == Approx(2));
    std::size_t kept = 0;
    for (const auto& entry : std::filesystem::directory_iterator(t.directory.path()))
        kept += entry.path().string().find(".ahead.") == std::string::npos ? 0U : 1U;
    CHECK(kept == 2);
}

TEST_CASE("after each jump of the clock the graphs go on within three minutes, and lose no count", "[rrd][writer]")
{
    Fixture t;
    RrdWriter writer(t.directory.path(), 60s, t.clock);
    double sent = 0;
    const auto run_for = [&](std::chrono::minutes span) {
        for (auto second = 0s; second < span; second += 10s) {
            writer.add(message_at(t.clock.now()));
            sent += 2;
            t.clock.advance(10s);
            writer.write_due();
        }
    };
    run_for(200min);
    for (const auto jump : {-2h, 2h, -2h, -2h, 2h, 2h}) {
        CAPTURE(jump.count());
        t.clock.set(t.clock.now() + jump);
        writer.write_due();
        const auto at = std::chrono::floor<std::chrono::minutes>(t.clock.now());
        run_for(3min);
        CHECK(t.written() == at + 2min);
        CHECK(t.sent_in(at + 1min) >= 12);
        run_for(20min);
    }
    CHECK(writer.late() == 0);
    // All of it was drawn, and what passed twice by the clock stands there twice.
    const auto end = t.written();
    CHECK(t.sent(start - 1min, end) == Approx(sent - 2 * 6 * 2).margin(2 * 6));
}

TEST_CASE("a year ahead and back, the graphs go on within three minutes", "[rrd][writer]")
{
    Fixture t;
    RrdWriter writer(t.directory.path(), 60s, t.clock);
    const auto run_for = [&](std::chrono::minutes span) {
        for (auto second = 0s; second < span; second += 10s) {
            writer.add(message_at(t.clock.now()));
            t.clock.advance(10s);
            writer.write_due();
        }
    };
    run_for(60min);
    const auto jump = GENERATE(400 * 24h, -400 * 24h);
    const auto away = GENERATE(10min, 120min);
    CAPTURE(jump.count(), away.count());
    t.clock.set(t.clock.now() + jump);
    run_for(away);
    t.clock.set(t.clock.now() - jump);
    const auto at = std::chrono::floor<std::chrono::minutes>(t.clock.now());
    run_for(3min);
    CHECK(t.written() >= at + 2min);
    CHECK(t.sent_in(at + 1min) == 12);
    // A file that was written in the far future has forgotten the minutes of today.
    if (jump < 0h || away < 60min)
        CHECK(t.sent_in(start + 30min) == 12);
}

TEST_CASE("minutes wait for a directory that comes late", "[rrd][writer]")
{
    Fixture t;
    const std::string late = t.directory / "late";
    RrdWriter writer(late, 10s, t.clock);
    writer.add(message_at(start + 1s));
    t.clock.advance(2min);
    writer.write_due();
    std::filesystem::create_directory(late);
    t.clock.advance(1min);
    writer.write_due();
    CHECK(sum_of_rrd(late + "/stats.rrd", "sent", start, start + 2min) == Approx(2));
}

TEST_CASE("a file that was removed begins again", "[rrd][writer]")
{
    Fixture t;
    RrdWriter writer(t.directory.path(), 10s, t.clock);
    t.clock.advance(2min);
    writer.write_due();
    std::filesystem::remove(t.stats());
    writer.add(message_at(start + 3min));
    t.clock.advance(3min);
    writer.write_due();
    CHECK(t.sent(start, start + 4min) == Approx(2));
}

TEST_CASE("a new delay holds at once", "[rrd][writer]")
{
    Fixture t;
    RrdWriter writer(t.directory.path(), 10min, t.clock);
    t.clock.advance(2min);
    writer.write_due();
    CHECK(t.written() == start - 8min);
    writer.set_delay(10s);
    writer.write_due();
    CHECK(t.written() == start + 1min);
}
