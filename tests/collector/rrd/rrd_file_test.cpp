#include "collector/rrd/rrd_file.hpp"

#include <cmath>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"
#include "tests/support/rrd_reader.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::read_rrd;
using test::sum_of_rrd;
using test::TempDirectory;

namespace {

const Minute start = std::chrono::floor<std::chrono::minutes>(test::noon);

std::vector<MinuteRow> rows(Minute first, std::initializer_list<TrafficCounts> counts)
{
    std::vector<MinuteRow> result;
    for (const auto& count : counts)
        result.push_back({first + std::chrono::minutes(result.size()), count, 1});
    return result;
}

} // namespace

TEST_CASE("each minute has exactly what was counted in it", "[rrd][file]")
{
    const TempDirectory directory;
    const RrdFile file(directory / "stats.rrd", {"recv", "sent"});
    CHECK(std::get<Minute>(file.open(start)) == start);
    REQUIRE(file.update(rows(start, {{1, 60}, {0, 0}, {7, 1001}})) == std::nullopt);
    REQUIRE(file.update(rows(start + 3min, {{2, 3}})) == std::nullopt);
    CHECK(std::get<Minute>(file.open(start)) == start + 4min);

    const auto sent = read_rrd(directory / "stats.rrd", "sent", start, start + 4min);
    REQUIRE(sent.size() == 4);
    CHECK(sent.at(start) == Approx(60));
    CHECK(sent.at(start + 1min) == Approx(0));
    CHECK(sent.at(start + 2min) == Approx(1001));
    CHECK(sent.at(start + 3min) == Approx(3));
    CHECK(sum_of_rrd(directory / "stats.rrd", "recv", start, start + 4min) == Approx(10));
}

TEST_CASE("files stay below 2 MB", "[rrd][file]")
{
    const TempDirectory directory;
    REQUIRE(std::holds_alternative<Minute>(RrdFile(directory / "two.rrd", {"recv", "sent"}).open(start)));
    REQUIRE(std::holds_alternative<Minute>(RrdFile(directory / "four.rrd", {"a", "b", "c", "d"}).open(start)));
    CHECK(std::filesystem::file_size(directory / "two.rrd") < 2'000'000);
    CHECK(std::filesystem::file_size(directory / "four.rrd") < 2'000'000);
}

TEST_CASE("a gap is unknown and the minutes after it are right", "[rrd][file]")
{
    const TempDirectory directory;
    const RrdFile file(directory / "stats.rrd", {"recv", "sent"});
    REQUIRE(file.update(rows(start, {{1, 10}})) == std::nullopt);
    REQUIRE(file.update(rows(start + 60min, {{2, 20}, {3, 30}})) == std::nullopt);
    const auto sent = read_rrd(directory / "stats.rrd", "sent", start, start + 62min);
    CHECK(sent.size() == 3);
    CHECK(sent.at(start + 60min) == Approx(20));
    CHECK(sent.at(start + 61min) == Approx(30));
}

TEST_CASE("a week of minutes fits into one call", "[rrd][file]")
{
    const TempDirectory directory;
    const RrdFile file(directory / "stats.rrd", {"recv", "sent"});
    std::vector<MinuteRow> week;
    week.reserve(std::size_t{7} * 24 * 60);
    for (int minute = 0; minute < 7 * 24 * 60; ++minute)
        week.push_back({start + std::chrono::minutes(minute), {1, 2}, 1});
    REQUIRE(std::holds_alternative<Minute>(file.open(start)));
    CHECK(file.update(week) == std::nullopt);
    const auto end = start + std::chrono::days(7);
    CHECK(sum_of_rrd(directory / "stats.rrd", "sent", end - 24h, end) == Approx(2 * 24 * 60));
}

TEST_CASE("a minute is written once", "[rrd][file]")
{
    const TempDirectory directory;
    const RrdFile file(directory / "stats.rrd", {"recv", "sent"});
    REQUIRE(file.update(rows(start, {{1, 10}})) == std::nullopt);
    CHECK_THAT(file.update(rows(start, {{1, 10}})).value(), Catch::Contains("cannot update"));
    CHECK(sum_of_rrd(directory / "stats.rrd", "sent", start, start + 1min) == Approx(10));
}

TEST_CASE("a file that is none of ours is left alone", "[rrd][file]")
{
    const TempDirectory directory;
    REQUIRE(std::holds_alternative<Minute>(RrdFile(directory / "stats.rrd", {"in", "out"}).open(start)));
    const auto size = std::filesystem::file_size(directory / "stats.rrd");
    CHECK(std::get<RrdFile::Error>(RrdFile(directory / "stats.rrd", {"recv", "sent"}).open(start)) ==
          directory / "stats.rrd" + ": data sources in out, expected recv sent");
    CHECK(std::filesystem::file_size(directory / "stats.rrd") == size);

    directory.write("text.rrd", "no RRD at all");
    CHECK_THAT(std::get<RrdFile::Error>(RrdFile(directory / "text.rrd", {"recv", "sent"}).open(start)),
               Catch::Contains("text.rrd: cannot read"));
    CHECK(directory.read("text.rrd") == "no RRD at all");
}

TEST_CASE("a directory that is not there is an error", "[rrd][file]")
{
    const TempDirectory directory;
    CHECK_THAT(std::get<RrdFile::Error>(RrdFile(directory / "no/stats.rrd", {"recv", "sent"}).open(start)),
               Catch::Contains("no/stats.rrd: cannot make: "));
}

TEST_CASE("what is taken back leaves all before it as it was", "[rrd][file]")
{
    const TempDirectory directory;
    const std::string path = directory / "stats.rrd";
    const RrdFile file(path, {"recv", "sent"});
    std::vector<MinuteRow> day;
    day.reserve(std::size_t{24} * 60);
    for (int minute = 0; minute < 24 * 60; ++minute)
        day.push_back({start + std::chrono::minutes(minute), {1, 2U + static_cast<unsigned>(minute)}, 1});
    REQUIRE(std::holds_alternative<Minute>(file.open(start)));
    REQUIRE(file.update(day) == std::nullopt);
    auto before = read_rrd(path, "sent", start, start + 22h);
    before.erase(start + 22h);

    const auto taken = file.take_back(start + 22h, directory / "kept.rrd");
    REQUIRE(std::holds_alternative<std::vector<MinuteRow>>(taken));
    CHECK(std::get<std::vector<MinuteRow>>(taken) == std::vector<MinuteRow>(day.end() - 120, day.end()));
    CHECK(std::get<Minute>(file.open(start)) == start + 22h);
    const auto after = read_rrd(path, "sent", start, start + 22h);
    CHECK(after.size() == before.size());
    for (const auto& [minute, count] : before)
        CHECK(after.at(minute) == Approx(count));
    CHECK(sum_of_rrd(path, "sent", start + 22h, start + 24h) == Approx(0));
    CHECK(sum_of_rrd(directory / "kept.rrd", "recv", start, start + 24h) == Approx(24 * 60));
    CHECK(std::filesystem::file_size(path) < 2'000'000);

    REQUIRE(file.update(rows(start + 22h, {{5, 50}})) == std::nullopt);
    CHECK(sum_of_rrd(path, "recv", start + 22h, start + 23h) == Approx(5));
}
