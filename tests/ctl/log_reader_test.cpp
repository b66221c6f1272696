#include "ctl/log_reader.hpp"

#include <filesystem>

#include <catch2/catch.hpp>

#include "collector/stats_log/line.hpp"
#include "tests/support/records.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

namespace {

using Strings = std::vector<std::string>;

constexpr auto noon = test::noon;

std::string line(event::Time time, std::uint64_t sequence, std::uint64_t journal = 0xa)
{
    event::Record record = test::message();
    record.eom_time = time;
    std::string text;
    append_line(text, record, {journal, sequence}, LogRecipients::full);
    return text;
}

std::string packed(std::string_view text)
{
    GzipEncoder encoder;
    std::string out;
    encoder.encode(text, out);
    encoder.finish(out);
    return out;
}

/// Writes a file as something wrote it then.
void write(const test::TempDirectory& directory, std::string_view name, std::string_view text, event::Time written)
{
    using FileTime = std::filesystem::file_time_type;
    std::filesystem::last_write_time(directory.write(name, text),
                                     FileTime(FileTime::clock::from_sys(written).time_since_epoch()));
}

std::vector<std::uint64_t> numbers(LogReader& reader)
{
    std::vector<std::uint64_t> found;
    while (const auto next = reader.next())
        found.push_back(next->marks.id.sequence);
    return found;
}

using Numbers = std::vector<std::uint64_t>;

} // namespace

TEST_CASE("a log is read with what rotation left, the oldest first", "[ctl][log_reader]")
{
    const test::TempDirectory directory;
    write(directory, "stats.log.20260227.gz", packed(line(noon - 48h, 1) + line(noon - 47h, 2)), noon - 47h);
    write(directory, "stats.log.20260228", line(noon - 24h, 3), noon - 24h);
    write(directory, "stats.log.20260228.1", line(noon - 23h, 4), noon - 23h);
    write(directory, "stats.log", line(noon, 5), noon);
    write(directory, "stats.log.20260228.gz", packed("the same, not yet removed\n"), noon - 24h);
    write(directory, "stats.log.bak", line(noon, 9), noon);
    write(directory, "other.log", line(noon, 9), noon);

    LogReader all(system_disk(), directory / "stats.log", {});
    CHECK(numbers(all) == Numbers{1, 2, 3, 4, 5});
    CHECK(all.errors().empty());
    CHECK_FALSE(all.reaches_back());

    LogReader some(system_disk(), directory / "stats.log", noon - 23h);
    CHECK(numbers(some) == Numbers{4, 5});
    CHECK(some.reaches_back());

    LogReader within(system_disk(), directory / "stats.log", noon - 47h);
    CHECK(numbers(within) == Numbers{2, 3, 4, 5});
    CHECK_FALSE(within.reaches_back()); // the older line may be another filter's
}

TEST_CASE("the end of a large log is found without its beginning", "[ctl][log_reader]")
{
    const test::TempDirectory directory;
    std::string text = "no line of ours, which is counted where it is read\n";
    std::uint64_t number = 0;
    while (text.size() < std::size_t{9} * 1024 * 1024)
        text += line(noon - 2h, ++number);
    const std::uint64_t last_old = number;
    text += line(noon, last_old + 1) + line(noon - 2h, last_old + 2) + line(noon, last_old + 3) + "half a line";
    write(directory, "stats.log", text, noon);

    LogReader reader(system_disk(), directory / "stats.log", noon - 1h);
    CHECK(numbers(reader) == Numbers{last_old + 1, last_old + 3});
    CHECK(reader.foreign_lines() == 0);

    CHECK_FALSE(reader.reaches_back()); // what was not read may be as young

    LogReader shown(system_disk(), directory / "stats.log", noon - 1h, OldLines::show);
    CHECK(numbers(shown).size() == last_old + 3);
    LogReader all(system_disk(), directory / "stats.log", {});
    CHECK(numbers(all).size() == last_old + 3);
    CHECK(all.foreign_lines() == 1);
}

TEST_CASE("what cannot be read is said, and the rest is read", "[ctl][log_reader]")
{
    const test::TempDirectory directory;
    const std::string half = packed(line(noon - 1h, 1));
    write(directory, "stats.log.1.gz", half.substr(0, half.size() - 6), noon - 1h);
    write(directory, "stats.log.2.gz", "no gzip", noon - 2h);
    write(directory, "stats.log", line(noon, 2), noon);
    LogReader reader(system_disk(), directory / "stats.log", {});
    CHECK(numbers(reader).back() == 2);
    CHECK(reader.errors() ==
          Strings{(directory / "stats.log.2.gz") + ": expected a gzip file with one member",
                  (directory / "stats.log.1.gz") + ": ends in the middle: expected a whole gzip file"});

    LogReader none(system_disk(), directory / "nowhere/stats.log", {});
    CHECK(numbers(none).empty());
    CHECK(none.errors().empty());
}

TEST_CASE("two logs are one in the order of the decisions", "[ctl][log_reader]")
{
    const test::TempDirectory directory;
    write(directory, "stats.log", line(noon, 1) + line(noon + 1ms, 3) + line(noon + 5s, 7, 0xb), noon);
    write(directory, "rejects.log", line(noon, 2) + line(noon + 2s, 6, 0xb) + line(noon + 9s, 4), noon);
    MergedLogs logs(system_disk(), directory / "stats.log", directory / "rejects.log", {});
    Numbers found;
    while (const auto next = logs.next())
        found.push_back(next->marks.id.sequence);
    CHECK(found == Numbers{1, 2, 3, 6, 7, 4});
}
