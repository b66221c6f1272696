#include "collector/stats_log/log_file.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"
#include "tests/support/sim_disk.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/time_zone.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::SimDisk;
using test::TempDirectory;
using test::TimeZone;

namespace {

/// A log on the first of March, in local time and by the files' dates.
struct Fixture {
    Fixture() { clock.set(test::noon); }

    std::string path() const { return directory / "stats.log"; }

    void write(LogFile& log, std::string_view line)
    {
        log.add(line);
        REQUIRE(log.commit() == std::nullopt);
    }

    /// The file was written `ago` before now.
    void set_last_write(const std::string& name, std::chrono::seconds ago)
    {
        const auto written = std::chrono::floor<std::chrono::seconds>(clock.now()) - ago;
        const timespec times[2] = {{written.time_since_epoch().count(), 0}, {written.time_since_epoch().count(), 0}};
        REQUIRE(::utimensat(AT_FDCWD, (directory / name).c_str(), times, 0) == 0);
    }

    bool exists(const std::string& name) const { return std::filesystem::exists(directory / name); }

    TimeZone local{"JST-9"};
    TempDirectory directory;
    ManualClock clock;
};

/// No file of this process may grow beyond that, until the end of the scope: a full disk that needs no disk.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t octets) : signal_(std::signal(SIGXFSZ, SIG_IGN))
    {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{octets, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit()
    {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, signal_);
    }

private:
    rlimit before_{};
    void (*signal_)(int);
};

} // namespace

TEST_CASE("lines are appended, to a file that the group may read", "[stats_log][file]")
{
    Fixture t;
    t.directory.write("stats.log", "older\n");
    LogFile log(t.path(), t.clock);
    t.set_last_write("stats.log", 1s);
    t.write(log, "one\n");
    t.write(log, "two\nthree\n");
    CHECK(t.directory.read("stats.log") == "older\none\ntwo\nthree\n");

    LogFile made(t.directory / "new.log", t.clock);
    const mode_t before = ::umask(077);
    CHECK(made.open() == std::nullopt);
    ::umask(before);
    struct stat status {};
    REQUIRE(::stat((t.directory / "new.log").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("each day of writing has its own file", "[stats_log][rotation]")
{
    Fixture t;
    LogFile log(t.path(), t.clock);
    t.write(log, "first of March\n");
    t.clock.advance(2h); // 23:34
    t.write(log, "still the first\n");
    t.clock.advance(30min); // 00:04
    t.write(log, "the second\n");
    CHECK(t.directory.read("stats.log.20260301") == "first of March\nstill the first\n");
    CHECK(t.directory.read("stats.log") == "the second\n");
}

TEST_CASE("a log without traffic is rotated when somebody looks after it", "[stats_log][rotation]")
{
    Fixture t;
    LogFile log(t.path(), t.clock);
    t.write(log, "first of March\n");
    t.clock.advance(24h);
    CHECK(log.open() == std::nullopt);
    CHECK(t.exists("stats.log.20260301"));
    CHECK(t.directory.read("stats.log").empty());
    t.clock.advance(24h);
    CHECK(log.open() == std::nullopt);
    CHECK_FALSE(t.exists("stats.log.20260302"));
}

TEST_CASE("yesterday's file is rotated also by a process that starts after midnight", "[stats_log][rotation]")
{
    Fixture t;
    t.directory.write("stats.log", "written the day before\n");
    t.set_last_write("stats.log", 24h);
    LogFile log(t.path(), t.clock);
    t.write(log, "today\n");
    CHECK(t.directory.read("stats.log.20260228") == "written the day before\n");
    CHECK(t.directory.read("stats.log") == "today\n");
}

TEST_CASE("rotation overwrites nothing", "[stats_log][rotation]")
{
    Fixture t;
    t.directory.write("stats.log.20260301", "somebody's\n");
    t.directory.write("stats.log.20260301.1", "somebody else's\n");
    LogFile log(t.path(), t.clock);
    t.write(log, "mine\n");
    t.clock.advance(24h);
    t.write(log, "next day\n");
    CHECK(t.directory.read("stats.log.20260301") == "somebody's\n");
    CHECK(t.directory.read("stats.log.20260301.1") == "somebody else's\n");
    CHECK(t.directory.read("stats.log.20260301.2") == "mine\n");
}

TEST_CASE("a clock that is put back rotates nothing", "[stats_log][rotation]")
{
    Fixture t;
    LogFile log(t.path(), t.clock);
    t.write(log, "one\n");
    t.clock.advance(-24h);
    t.write(log, "two\n");
    CHECK(t.directory.read("stats.log") == "one\ntwo\n");
}

TEST_CASE("a half line of a killed process is cut", "[stats_log][file]")
{
    Fixture t;
    const auto [before, kept] = GENERATE(table<std::string, std::string>(
        {{"whole\nhal", "whole\n"}, {"hal", ""}, {"whole\n", "whole\n"}, {"", ""}, {"a\n\n", "a\n\n"}}));
    CAPTURE(before);
    t.directory.write("stats.log", before);
    t.set_last_write("stats.log", 0s);
    LogFile log(t.path(), t.clock);
    t.write(log, "next\n");
    CHECK(t.directory.read("stats.log") == kept + "next\n");
}

TEST_CASE("a half line longer than a block is cut too", "[stats_log][file]")
{
    Fixture t;
    t.directory.write("stats.log", "whole\n" + std::string(200000, 'x'));
    t.set_last_write("stats.log", 0s);
    LogFile log(t.path(), t.clock);
    t.write(log, "next\n");
    CHECK(t.directory.read("stats.log") == "whole\nnext\n");
}

TEST_CASE("after an error writing goes on at the octet where it stopped", "[stats_log][file]")
{
    Fixture t;
    LogFile log(t.path(), t.clock);
    t.write(log, "0123456789\n");
    {
        const FileSizeLimit limit(25);
        log.add("second line\n");
        log.add("third line\n");
        CHECK(log.commit() == t.path() + ": cannot write: File too large");
        CHECK(t.directory.read("stats.log") == "0123456789\nsecond line\nth");
        log.add("fourth line\n");
        CHECK(log.commit().has_value());
        // A day that ends meanwhile does not tear the line in two.
        t.clock.advance(24h);
        CHECK(log.commit().has_value());
    }
    CHECK(log.commit() == std::nullopt);
    CHECK(t.directory.read("stats.log") == "0123456789\nsecond line\nthird line\nfourth line\n");
}

TEST_CASE("lines that are not safe yet move to the new file as a whole", "[stats_log][file]")
{
    Fixture t;
    LogFile log(t.path(), t.clock);
    {
        const FileSizeLimit limit(14);
        log.add("first line\nsecond line\n");
        CHECK(log.commit().has_value());
        std::filesystem::rename(t.path(), t.directory / "elsewhere");
        log.reopen();
    }
    CHECK(log.commit() == std::nullopt);
    CHECK(t.directory.read("elsewhere").empty());
    CHECK(t.directory.read("stats.log") == "first line\nsecond line\n");
}

TEST_CASE("rename and reopen by others loses nothing", "[stats_log][file]")
{
    Fixture t;
    LogFile log(t.path(), t.clock);
    t.write(log, "one\n");
    std::filesystem::rename(t.path(), t.directory / "moved");
    SECTION("with a word")
    {
        log.reopen();
    }
    SECTION("without one") {}
    t.write(log, "two\n");
    CHECK(t.directory.read("moved") == "one\n");
    CHECK(t.directory.read("stats.log") == "two\n");
}

TEST_CASE("a log that others truncate is written on", "[stats_log][file]")
{
    Fixture t;
    LogFile log(t.path(), t.clock);
    t.write(log, "one\n");
    std::filesystem::resize_file(t.path(), 0);
    t.write(log, "two\n");
    CHECK(t.directory.read("stats.log") == "two\n");
}

TEST_CASE("only a regular file is a log", "[stats_log][file]")
{
    Fixture t;
    std::filesystem::create_directory(t.directory / "directory");
    CHECK_THAT(LogFile(t.directory / "directory", t.clock).open().value(), Catch::Contains("Is a directory"));

    t.directory.write("target", "kept");
    std::filesystem::create_symlink(t.directory / "target", t.directory / "link");
    CHECK_THAT(LogFile(t.directory / "link", t.clock).open().value(), Catch::Contains("cannot open"));
    CHECK(t.directory.read("target") == "kept");

    REQUIRE(::mkfifo((t.directory / "pipe").c_str(), 0600) == 0);
    CHECK(LogFile(t.directory / "pipe", t.clock).open() == (t.directory / "pipe") + ": not a regular file");

    CHECK_THAT(LogFile(t.directory / "missing/stats.log", t.clock).open().value(),
               Catch::Contains("No such file or directory"));
}

namespace {

/// The same, on a disk that does as it is told.
struct SimFixture {
    SimFixture() { clock.set(test::noon); }

    TimeZone local{"JST-9"};
    ManualClock clock;
    SimDisk disk{&clock};
    LogFile log{"l/s", clock, disk};
};

} // namespace

TEST_CASE("after a sync that failed the lines are written anew", "[stats_log][file]")
{
    SimFixture t;
    t.log.add("one\n");
    REQUIRE(t.log.commit() == std::nullopt);
    t.log.add("two\n");
    t.disk.set_fault({.call = SimDisk::Call::sync});
    CHECK_THAT(t.log.commit().value(), Catch::Contains("cannot sync"));
    t.log.add("three\n");
    CHECK(t.log.commit() == std::nullopt);
    std::mt19937 random(1); // the same each time
    t.disk.power_cut(random);
    CHECK(t.disk.content("l/s") == "one\ntwo\nthree\n");
}

TEST_CASE("a file that was removed to make room is begun anew, with all that was not safe", "[stats_log][file]")
{
    SimFixture t;
    t.log.add("one\n");
    REQUIRE(t.log.commit() == std::nullopt);
    t.disk.set_capacity(10);
    t.log.add("two\nthree\n");
    CHECK_THAT(t.log.commit().value(), Catch::Contains("No space left"));
    CHECK(t.disk.content("l/s") == "one\ntwo\nth");
    REQUIRE(t.disk.remove("l/s") == 0);
    CHECK(t.log.commit() == std::nullopt);
    CHECK(t.disk.content("l/s") == "two\nthree\n");
}

TEST_CASE("a file that shrinks under a begun line gets its lines whole", "[stats_log][file]")
{
    SimFixture t;
    t.disk.set_capacity(10);
    t.log.add("one\ntwo\nthree\n");
    CHECK(t.log.commit());
    const int fd = t.disk.open("l/s", O_RDWR, 0);
    REQUIRE(t.disk.truncate(fd, 6) == 0);
    t.disk.set_capacity(100);
    CHECK(t.log.commit() == std::nullopt);
    CHECK(t.disk.content("l/s") == "one\ntwo\nthree\n");
}

TEST_CASE("without syncs nothing waits for the disk", "[stats_log][file]")
{
    SimFixture t;
    t.log.set_durable(false);
    t.log.add("one\n");
    CHECK(t.log.commit() == std::nullopt);
    CHECK(t.disk.calls(SimDisk::Call::sync) == 0);
    // What came before is nobody's to take out again.
    t.log.set_durable(true);
    t.log.add("two\n");
    t.disk.set_fault({.call = SimDisk::Call::sync});
    CHECK(t.log.commit());
    CHECK(t.log.commit() == std::nullopt);
    CHECK(t.disk.content("l/s") == "one\ntwo\n");
}

TEST_CASE("an earlier process's lines are safe before anything is", "[stats_log][file]")
{
    SimFixture t;
    t.disk.put("l/s", "");
    const int fd = t.disk.open("l/s", O_RDWR, 0);
    REQUIRE(t.disk.write(fd, "one\n", 4) == 4);
    REQUIRE(t.log.open() == std::nullopt);
    REQUIRE(t.log.commit() == std::nullopt);
    std::mt19937 random(1); // the same each time
    t.disk.power_cut(random);
    CHECK(t.disk.content("l/s") == "one\n");
}

TEST_CASE("half a line that was cut leaves nothing among the lines that follow", "[stats_log][file]")
{
    std::mt19937 random(1); // the same each time
    for (int cut = 0; cut < 50; ++cut) {
        SimFixture t;
        t.disk.put("l/s", std::string(10'000, 'x'));
        t.log.add(std::string(11'999, 'y') + "\n");
        t.disk.set_fault({.nth = 2, .call = SimDisk::Call::sync});
        REQUIRE(t.log.commit());
        t.disk.power_cut(random);
        CHECK(t.disk.content("l/s")->find('x') == std::string::npos);
    }
}

TEST_CASE("a compressed log keeps its name from being used again", "[stats_log][rotation]")
{
    SimFixture t;
    t.disk.put("l/s.20260301.gz", "compressed");
    t.log.add("one\n");
    REQUIRE(t.log.commit() == std::nullopt);
    t.clock.advance(24h);
    REQUIRE(t.log.open() == std::nullopt);
    CHECK(t.disk.content("l/s.20260301.1") == "one\n");
}

TEST_CASE("clocks that jump over midnight, by hours or by years, cost no line", "[stats_log][rotation]")
{
    SimFixture t;
    int number = 0;
    for (const auto jump : {-2h, 2h, 2h, -2h, 5h, -5h, 400 * 24h, -400 * 24h, -400 * 24h, 400 * 24h, 24h, -24h, 2h}) {
        t.clock.set(t.clock.now() + jump);
        t.clock.advance(90min);
        for (int line = 0; line < 3; ++line) {
            t.log.add(std::to_string(++number) + "\n");
            REQUIRE(t.log.commit() == std::nullopt);
        }
    }
    std::set<int> found;
    for (const std::string& path : t.disk.files()) {
        std::istringstream lines(t.disk.content(path).value());
        for (int line = 0; lines >> line;)
            CHECK(found.insert(line).second);
    }
    CHECK(found.size() == static_cast<std::size_t>(number));
}

TEST_CASE("a day has its file also when clocks are changed for summer and winter", "[stats_log][rotation]")
{
    // 00:30 on the 29th of March and on the 25th of October 2026: days of 23 and 25 hours.
    const auto [begin, hours, name] = GENERATE(
        table<std::int64_t, int, std::string>({{1774740600, 23, "l/s.20260329"}, {1792881000, 25, "l/s.20261025"}}));
    SimFixture t;
    const TimeZone central_europe("CET-1CEST,M3.5.0,M10.5.0/3");
    t.clock.set(Clock::WallTime(std::chrono::seconds(begin)));
    for (int hour = 0; hour < hours; ++hour) {
        t.log.add("line\n");
        REQUIRE(t.log.commit() == std::nullopt);
        t.clock.advance(1h);
    }
    CHECK(t.disk.files() == std::vector<std::string>{"l/s"});
    REQUIRE(t.log.open() == std::nullopt);
    CHECK(t.disk.content(name)->size() == 5 * static_cast<std::size_t>(hours));
}
