#include "collector/stats_log/log_scan.hpp"

#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/sim_disk.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::SimDisk;
using test::TempDirectory;

namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const std::string& path, std::uint64_t begin = 0)
{
    Lines lines;
    const auto error = scan_log_file(system_disk(), path, begin, [&lines](std::string_view line, std::uint64_t) {
        lines.emplace_back(line);
        return true;
    });
    CHECK(error == std::nullopt);
    return lines;
}

Lines newest(const std::string& path, std::size_t max_files)
{
    const auto found = newest_log_files(system_disk(), path, max_files);
    Lines paths;
    for (const FoundLog& log : std::get<std::vector<FoundLog>>(found))
        paths.push_back(log.path);
    return paths;
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
    CHECK(newest(path, 10) == Lines{path, path + ".20260228", path + ".20260228.1", path + ".20260227"});
    CHECK(newest(path, 2) == Lines{path, path + ".20260228"});
    // What other programs rename to, and tell us by a signal.
    write_in_order(directory, {"foreign.log-20260228", "foreign.log.1", "foreign.log"});
    const std::string foreign = directory / "foreign.log";
    CHECK(newest(foreign, 10) == Lines{foreign, foreign + ".1", foreign + "-20260228"});
    CHECK(newest(directory / "none.log", 10).empty());
    CHECK(newest(directory / "nowhere/none.log", 10).empty());
}

TEST_CASE("whole lines are read, with their offsets, until somebody has enough", "[stats_log][scan]")
{
    SimDisk disk;
    disk.put("s", "a\n\nlonger\nhalf");
    std::vector<std::pair<std::string, std::uint64_t>> lines;
    CHECK(scan_log_file(disk, "s", 0, [&lines](std::string_view line, std::uint64_t offset) {
              lines.emplace_back(line, offset);
              return true;
          }) == std::nullopt);
    CHECK(lines == std::vector<std::pair<std::string, std::uint64_t>>{{"a", 0}, {"", 2}, {"longer", 3}});
    CHECK(scan_log_file(disk, "s", 0, [&lines](std::string_view, std::uint64_t) {
              lines.clear();
              return false;
          }) == std::nullopt);
    CHECK(lines.empty());
    CHECK(disk.open_descriptors() == 0);
}

TEST_CASE("reading may begin in the middle of a file", "[stats_log][scan]")
{
    const TempDirectory directory;
    directory.write("s", "first\nsecond\nthird\n");
    CHECK(lines_of(directory / "s", 10) == Lines{"third"});
    // Where it begins with a line, nobody knows that it does.
    CHECK(lines_of(directory / "s", 13).empty());
}

TEST_CASE("a disk that stumbles once hides no line and no file", "[stats_log][scan]")
{
    const int error = GENERATE(EIO, EINTR, 0);
    bool reached = true;
    for (std::uint64_t nth = 1; reached; ++nth) {
        SimDisk disk;
        disk.put("d/s", "a\nb\n");
        disk.put("d/s.1", "c\n");
        disk.set_fault({.nth = nth, .error = error});
        std::string lines;
        auto found = newest_log_files(disk, "d/s", 10);
        REQUIRE(std::holds_alternative<std::vector<FoundLog>>(found));
        for (const FoundLog& log : std::get<std::vector<FoundLog>>(found)) {
            CHECK(scan_log_file(disk, log.path, 0, [&lines](std::string_view line, std::uint64_t) {
                      lines.append(line);
                      return true;
                  }) == std::nullopt);
        }
        CHECK(lines == "abc");
        reached = disk.fault_reached();
    }
}

TEST_CASE("lines longer than a block come out whole", "[stats_log][scan]")
{
    const TempDirectory directory;
    const std::string longest(700000, 'x');
    directory.write("s", "a\n" + longest + "\nb\n");
    CHECK(lines_of(directory / "s") == Lines{"a", longest, "b"});
}
