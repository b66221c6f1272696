#include "collector/stats_log/log_scan.hpp"

#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::TempDirectory;

namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const std::string& path, const ScanLimits& limits = {})
{
    Lines lines;
    scan_log(path, limits, [&lines](std::string_view line) { lines.emplace_back(line); });
    return lines;
}

/// Files whose last writes lie an hour apart, the oldest first.
void write_in_order(const TempDirectory& directory, std::initializer_list<const char*> names)
{
    auto written = std::filesystem::file_time_type::clock::now() - 100h;
    for (const char* name : names) {
        directory.write(name, std::string(name) + " 1\n" + name + " 2\n");
        std::filesystem::last_write_time(directory / name, written += 1h);
    }
}

} // namespace

TEST_CASE("the newest plain files of a log are found, and no others", "[stats_log][scan]")
{
    const TempDirectory directory;
    write_in_order(directory, {"stats.log.20260227", "stats.log.20260228.1", "stats.log.20260228", "stats.log",
                               "stats.log.20260226.gz", "stats.log.old", "stats.log.20260228.", "rejects.log.20260228",
                               "stats.log2.20260228"});
    std::filesystem::create_directory(directory / "stats.log.20260301");
    const std::string path = directory / "stats.log";
    CHECK(newest_log_files(path, 10) == Lines{path, path + ".20260228", path + ".20260228.1", path + ".20260227"});
    CHECK(newest_log_files(path, 2) == Lines{path, path + ".20260228"});
    // What other programs rename to, and tell us by a signal.
    write_in_order(directory, {"foreign.log-20260228", "foreign.log.1", "foreign.log"});
    const std::string foreign = directory / "foreign.log";
    CHECK(newest_log_files(foreign, 10) == Lines{foreign, foreign + ".1", foreign + "-20260228"});
    CHECK(newest_log_files(directory / "none.log", 10).empty());
    CHECK(newest_log_files(directory / "nowhere/none.log", 10).empty());
}

TEST_CASE("whole lines are read, the newest file first", "[stats_log][scan]")
{
    const TempDirectory directory;
    write_in_order(directory, {"s.20260227", "s"});
    CHECK(lines_of(directory / "s") == Lines{"s 1", "s 2", "s.20260227 1", "s.20260227 2"});
    directory.write("s", "a\n\nhalf");
    CHECK(lines_of(directory / "s", {1, 1000}) == Lines{"a", ""});
}

TEST_CASE("of too much, the end is read", "[stats_log][scan]")
{
    const TempDirectory directory;
    directory.write("s", "first\nsecond\nthird\n");
    CHECK(lines_of(directory / "s", {10, 9}) == Lines{"third"});
    // Where the bound meets a line's beginning, nobody knows that it does.
    CHECK(lines_of(directory / "s", {10, 6}).empty());
}

TEST_CASE("lines longer than a block come out whole", "[stats_log][scan]")
{
    const TempDirectory directory;
    const std::string longest(700000, 'x');
    directory.write("s", "a\n" + longest + "\nb\n");
    CHECK(lines_of(directory / "s") == Lines{"a", longest, "b"});
}
