#include "collector/stats_log/retention.hpp"

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"
#include "tests/support/sim_disk.hpp"
#include "tests/support/time_zone.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::SimDisk;
using Strings = std::vector<std::string>;

namespace {

bool never()
{
    return false;
}

/// On the first of March.
struct Fixture {
    Fixture() { clock.set(test::noon); }

    void put(const std::string& name, std::chrono::hours ago)
    {
        disk.put("l/" + name, "text of " + name + "\n");
        disk.set_last_write("l/" + name, clock.now() - ago);
    }

    /// So many hours of a running process.
    void run(Retention& retention, int hours)
    {
        for (int minute = 0; minute < hours * 60; ++minute) {
            clock.advance(1min);
            retention.look(never);
        }
    }

    test::TimeZone local{"JST-9"};
    ManualClock clock;
    SimDisk disk{&clock};
};

} // namespace

TEST_CASE("rotated logs are compressed after some days and removed after more", "[stats_log][retention]")
{
    Fixture t;
    t.put("s.20260227", 30h);
    t.put("s.20260226", 60h);
    t.put("s.20260226.1", 60h);
    t.put("s.20260219.gz", 180h);
    t.put("s.20260217.gz", 240h);
    t.put("s", 500h);
    Retention retention({"l/s"}, {10, 3}, t.clock, t.disk);
    t.run(retention, 1);
    CHECK(t.disk.files() == Strings{"l/s", "l/s.20260219.gz", "l/s.20260226", "l/s.20260226.1", "l/s.20260227"});
    t.run(retention, 24);
    CHECK(t.disk.files() == Strings{"l/s", "l/s.20260226.1.gz", "l/s.20260226.gz", "l/s.20260227"});
    t.run(retention, 24);
    CHECK(t.disk.files() == Strings{"l/s", "l/s.20260226.1.gz", "l/s.20260226.gz", "l/s.20260227.gz"});
    t.run(retention, 24 * 6);
    CHECK(t.disk.files() == Strings{"l/s", "l/s.20260227.gz"});
    t.run(retention, 24 * 30);
    CHECK(t.disk.files() == Strings{"l/s"});
    CHECK(t.disk.open_descriptors() == 0);
}

TEST_CASE("zero days are for ever", "[stats_log][retention]")
{
    Fixture t;
    t.put("s.20200101", 24h * 365);
    t.put("s.20200102.gz", 24h * 365);
    Retention retention({"l/s"}, {0, 0}, t.clock, t.disk);
    t.run(retention, 24);
    CHECK(t.disk.files() == Strings{"l/s.20200101", "l/s.20200102.gz"});
    retention.set({0, 7});
    t.run(retention, 24);
    CHECK(t.disk.files() == Strings{"l/s.20200101.gz", "l/s.20200102.gz"});
    retention.set({9000, 0});
    t.run(retention, 24);
    CHECK(t.disk.files() == Strings{"l/s.20200101.gz", "l/s.20200102.gz"});
}

TEST_CASE("what rotation did not name is nobody's to remove", "[stats_log][retention]")
{
    Fixture t;
    for (const char* name : {"s", "s.1", "s-20200101", "s.20200101.old", "s.20200101.bz2", "other.20200101", "s.2020"})
        t.put(name, 24h * 365);
    const Strings before = t.disk.files();
    Retention retention({"l/s"}, {1, 1}, t.clock, t.disk);
    t.run(retention, 48);
    CHECK(t.disk.files() == before);
}

TEST_CASE("for a day after a clock jump nothing is compressed or removed", "[stats_log][retention]")
{
    Fixture t;
    t.put("s.20260223", 130h);
    Retention retention({"l/s"}, {90, 7}, t.clock, t.disk);
    t.run(retention, 1);
    t.clock.set(t.clock.now() + 400 * 24h);
    t.run(retention, 23);
    t.clock.set(t.clock.now() - 400 * 24h);
    t.run(retention, 23);
    CHECK(t.disk.files() == Strings{"l/s.20260223"});
    t.run(retention, 2);
    CHECK(t.disk.files() == Strings{"l/s.20260223.gz"});
}

TEST_CASE("a log that was written under a wrong clock is as old as its rename", "[stats_log][retention]")
{
    Fixture t;
    t.put("s.19700101", 1h);
    Retention retention({"l/s"}, {90, 7}, t.clock, t.disk);
    t.run(retention, 24 * 5);
    CHECK(t.disk.files() == Strings{"l/s.19700101"});
    t.run(retention, 24 * 3);
    CHECK(t.disk.files() == Strings{"l/s.19700101.gz"});
    t.run(retention, 24 * 80);
    CHECK(t.disk.files() == Strings{"l/s.19700101.gz"});
    t.run(retention, 24 * 4);
    CHECK(t.disk.files().empty());
}

TEST_CASE("what fails in one hour is tried in the next", "[stats_log][retention]")
{
    Fixture t;
    t.put("s.20260201", 24h * 20);
    Retention retention({"l/s"}, {90, 7}, t.clock, t.disk);
    t.disk.set_fault({.call = SimDisk::Call::write, .error = ENOSPC, .times = 1});
    t.run(retention, 1);
    CHECK(t.disk.files() == Strings{"l/s.20260201"});
    t.run(retention, 1);
    CHECK(t.disk.files() == Strings{"l/s.20260201.gz"});
}
