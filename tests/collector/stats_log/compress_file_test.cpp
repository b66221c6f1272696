#include "collector/stats_log/compress_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include <catch2/catch.hpp>

#include "collector/stats_log/gzip.hpp"
#include "tests/support/records.hpp"
#include "tests/support/sim_disk.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using test::SimDisk;
using Strings = std::vector<std::string>;

namespace {

bool never()
{
    return false;
}

/// A block and a bit.
std::string log_text()
{
    std::string text;
    for (int line = 0; text.size() < 300'000; ++line)
        text += "line " + std::to_string(line * 7919) + "\n";
    return text;
}

std::string unpacked(const std::string& bytes)
{
    GzipDecoder decoder;
    std::string text;
    REQUIRE(decoder.decode(bytes, text));
    REQUIRE(decoder.finished());
    return text;
}

/// The log's text once, whatever there is: plain, compressed, or both.
void check_that_nothing_is_lost(const SimDisk& disk, const std::string& text)
{
    const auto plain = disk.content("l/s.20260301");
    const auto compressed = disk.content("l/s.20260301.gz");
    if (plain)
        CHECK(*plain == text);
    else
        REQUIRE(compressed);
    if (compressed)
        CHECK(unpacked(*compressed) == text);
}

} // namespace

TEST_CASE("a compressed log takes the plain one's place, its mode and its time", "[stats_log][compress]")
{
    const test::TempDirectory directory;
    const std::string path = directory.write("s.20260301", log_text());
    std::filesystem::permissions(path, std::filesystem::perms(0604));
    const auto written = std::filesystem::last_write_time(path) - std::chrono::hours(100);
    std::filesystem::last_write_time(path, written);

    CHECK(compress_file(system_disk(), path, never) == std::nullopt);
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK_FALSE(std::filesystem::exists(path + ".gz.new"));
    CHECK(unpacked(directory.read("s.20260301.gz")) == log_text());
    CHECK(std::filesystem::last_write_time(path + ".gz") == written);
    CHECK(std::filesystem::status(path + ".gz").permissions() == std::filesystem::perms(0604));
}

TEST_CASE("who is to stop leaves the plain log as it is", "[stats_log][compress]")
{
    SimDisk disk;
    disk.put("l/s.20260301", log_text());
    int asked = 0;
    CHECK(compress_file(disk, "l/s.20260301", [&asked] { return ++asked == 2; }) == std::nullopt);
    CHECK(disk.files() == Strings{"l/s.20260301"});
    CHECK(disk.open_descriptors() == 0);
}

TEST_CASE("a log that both are of is kept once, where they are the same", "[stats_log][compress]")
{
    SimDisk disk;
    disk.put("l/s.20260301", log_text());
    REQUIRE(compress_file(disk, "l/s.20260301", never) == std::nullopt);

    SECTION("killed before the plain one was removed")
    {
        disk.put("l/s.20260301", log_text());
        CHECK(compress_file(disk, "l/s.20260301", never) == std::nullopt);
        CHECK(disk.files() == Strings{"l/s.20260301.gz"});
    }
    SECTION("another log of that name")
    {
        const std::string other = GENERATE(std::string("other\n"), log_text() + "more\n", std::string());
        disk.put("l/s.20260301", other);
        CHECK_THAT(compress_file(disk, "l/s.20260301", never).value(), Catch::Contains("other content"));
        CHECK(disk.content("l/s.20260301") == other);
        CHECK(unpacked(disk.content("l/s.20260301.gz").value()) == log_text());
    }
    SECTION("somebody's file that is no gzip")
    {
        disk.put("l/s.20260301", log_text());
        disk.put("l/s.20260301.gz", "no gzip");
        CHECK(compress_file(disk, "l/s.20260301", never));
        CHECK(disk.content("l/s.20260301") == log_text());
    }
}

TEST_CASE("whichever call fails, compressing loses nothing", "[stats_log][compress]")
{
    const int error = GENERATE(EIO, ENOSPC, EINTR, 0);
    const std::string text = log_text();
    bool reached = true;
    for (std::uint64_t nth = 1; reached; ++nth) {
        SimDisk disk;
        disk.put("l/s.20260301", text);
        disk.set_fault({.nth = nth, .error = error});
        compress_file(disk, "l/s.20260301", never);
        reached = disk.fault_reached();
        CAPTURE(nth, error);
        check_that_nothing_is_lost(disk, text);
        CHECK(disk.open_descriptors() == 0);
        disk.clear_fault();
        if (disk.content("l/s.20260301"))
            CHECK(compress_file(disk, "l/s.20260301", never) == std::nullopt);
        CHECK(disk.files() == Strings{"l/s.20260301.gz"});
        check_that_nothing_is_lost(disk, text);
    }
}

TEST_CASE("whenever the power goes, compressing loses nothing", "[stats_log][compress]")
{
    const std::string text = log_text();
    std::mt19937 random(1); // the same each time
    bool killed = true;
    for (std::uint64_t nth = 1; killed; ++nth) {
        for (int cut = 0; cut < 5; ++cut) {
            SimDisk disk;
            disk.put("l/s.20260301", text);
            disk.kill_at(nth);
            compress_file(disk, "l/s.20260301", never);
            killed = disk.killed();
            if (cut == 0)
                disk.restart();
            else
                disk.power_cut(random);
            CAPTURE(nth);
            check_that_nothing_is_lost(disk, text);
            if (disk.content("l/s.20260301"))
                CHECK(compress_file(disk, "l/s.20260301", never) == std::nullopt);
            CHECK(disk.content("l/s.20260301") == std::nullopt);
            check_that_nothing_is_lost(disk, text);
        }
    }
}
