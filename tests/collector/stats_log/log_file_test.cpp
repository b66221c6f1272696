#include "collector/stats_log/log_file.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/time_zone.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
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
