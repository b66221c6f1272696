#include "collector/stats_log/read_back.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "collector/stats_log/line.hpp"
#include "tests/support/records.hpp"
#include "tests/support/sim_disk.hpp"

using namespace smtpauth;
using test::SimDisk;
using Ids = std::vector<event::RecordId>;

namespace {

/// Lines of one journal.
std::string lines(std::uint64_t first, std::uint64_t last, std::uint64_t journal = 1)
{
    std::string text;
    for (; first <= last; ++first)
        append_line(text, test::message(), {journal, first}, LogRecipients::full);
    return text;
}

struct Fixture {
    /// Each file a second newer than the one before.
    void put(const std::string& path, const std::string& text)
    {
        disk.put(path, text);
        disk.set_last_write(path, test::noon + std::chrono::seconds(++files));
    }

    ino_t inode_of(const std::string& path)
    {
        struct stat status {};
        REQUIRE(disk.status(path, status) == 0);
        return status.st_ino;
    }

    LogHistory read_back(const LogState& saved = {})
    {
        taken = 0;
        auto history = read_back_log(disk, "l/s", saved, [this](std::string_view, const LineMarks&) { ++taken; });
        REQUIRE(std::holds_alternative<LogHistory>(history));
        CHECK(disk.open_descriptors() == 0);
        return std::move(std::get<LogHistory>(history));
    }

    SimDisk disk;
    int files = 0;
    int taken = 0;
};

} // namespace

TEST_CASE("the current file and those before it are told apart", "[stats_log][read_back]")
{
    Fixture t;
    t.put("l/s.20260227", lines(1, 3));
    t.put("l/s.20260228", lines(4, 6) + lines(1, 2, 2));
    t.put("l/s", lines(7, 9));
    const LogHistory history = t.read_back();
    CHECK(history.inode == t.inode_of("l/s"));
    CHECK(history.before.list() == Ids{{1, 6}, {2, 2}});
    CHECK(history.all.list() == Ids{{2, 2}, {1, 9}});
    CHECK(t.taken == 11);
}

TEST_CASE("what older files had is known from the state", "[stats_log][read_back]")
{
    Fixture t;
    t.put("l/s", lines(7, 9));
    LogState saved{t.inode_of("l/s"), 10, {}};
    saved.before.advance({1, 6});
    saved.before.advance({5, 5});
    const LogHistory history = t.read_back(saved);
    CHECK(history.before.list() == Ids{{1, 6}, {5, 5}});
    CHECK(history.all.has({5, 5}));
    CHECK(history.all.has({1, 9}));
    CHECK_FALSE(history.all.has({1, 10}));
}

TEST_CASE("no log is no history", "[stats_log][read_back]")
{
    Fixture t;
    CHECK(t.read_back().all.empty());
    t.put("l/s", "");
    CHECK(t.read_back().all.empty());
}

TEST_CASE("the newest file is cut where power cut left zeros, for what follows was not acknowledged",
          "[stats_log][read_back]")
{
    Fixture t;
    std::string torn = lines(4, 4);
    torn.replace(20, 30, 30, '\0');
    SECTION("in the current file")
    {
        t.put("l/s.20260228", lines(1, 1) + torn);
        t.put("l/s", lines(2, 3) + torn + lines(5, 6));
        const LogHistory history = t.read_back();
        CHECK(history.all.has({1, 3}));
        CHECK_FALSE(history.all.has({1, 5}));
        CHECK(t.disk.content("l/s") == lines(2, 3));
        CHECK(t.disk.content("l/s.20260228") == lines(1, 1) + torn);
    }
    SECTION("in one that was renamed and has a successor without a line")
    {
        t.put("l/s.1", lines(2, 3) + torn + lines(5, 6));
        t.put("l/s", "");
        CHECK_FALSE(t.read_back().all.has({1, 5}));
        CHECK(t.disk.content("l/s.1") == lines(2, 3));
    }
    SECTION("from its first line on")
    {
        t.put("l/s", torn + lines(5, 6));
        CHECK(t.read_back().all.empty());
        CHECK(t.disk.content("l/s") == "");
    }
}

TEST_CASE("what was acknowledged is never cut", "[stats_log][read_back]")
{
    Fixture t;
    const std::string text = lines(1, 2) + std::string(40, '\0') + "\n" + lines(3, 4);
    t.put("l/s", text);
    const LogHistory history = t.read_back({t.inode_of("l/s"), text.size(), {}});
    CHECK(history.all.has({1, 4}));
    CHECK(t.disk.content("l/s") == text);
}

TEST_CASE("lines of others stay, and half a line goes", "[stats_log][read_back]")
{
    Fixture t;
    t.put("l/s", lines(1, 1) + "somebody's note\n" + lines(2, 2) + "client_address:192.0");
    CHECK(t.read_back().all.has({1, 2}));
    CHECK(t.disk.content("l/s") == lines(1, 1) + "somebody's note\n" + lines(2, 2));
    // What has no line is no log.
    t.put("l/s", "something else");
    t.read_back();
    CHECK(t.disk.content("l/s") == "something else");
}

TEST_CASE("a log that was cut by others is taken as it is", "[stats_log][read_back]")
{
    Fixture t;
    t.put("l/s", lines(1, 2));
    const LogHistory history = t.read_back({t.inode_of("l/s"), 100'000, {}});
    CHECK(history.all.has({1, 2}));
    CHECK_FALSE(history.all.has({1, 3}));
    CHECK(t.disk.content("l/s") == lines(1, 2));
}

TEST_CASE("what an earlier process wrote is safe before it counts", "[stats_log][read_back]")
{
    Fixture t;
    const std::string text = lines(1, 40);
    const int fd = t.disk.open("l/s", O_RDWR | O_CREAT, 0640);
    REQUIRE(t.disk.write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    REQUIRE(t.disk.sync_directory("l") == 0);
    t.disk.restart();
    SECTION("by a sync") {}
    SECTION("also where that fails once and drops what it should have written")
    {
        t.disk.set_fault({.call = SimDisk::Call::sync});
    }
    CHECK(t.read_back().all.has({1, 40}));
    std::mt19937 random(1); // the same each time
    t.disk.power_cut(random);
    CHECK(t.disk.content("l/s") == text);
}

TEST_CASE("a log that cannot be read is not written to", "[stats_log][read_back]")
{
    Fixture t;
    t.put("l/s", lines(1, 2));
    const auto call = GENERATE(SimDisk::Call::list, SimDisk::Call::status, SimDisk::Call::open, SimDisk::Call::read);
    t.disk.set_fault({.call = call, .times = SimDisk::Fault::for_ever});
    const auto history = read_back_log(t.disk, "l/s", {}, [](std::string_view, const LineMarks&) {});
    CHECK(std::holds_alternative<ScanError>(history));
}

TEST_CASE("an older log that cannot be read keeps nobody from writing", "[stats_log][read_back]")
{
    Fixture t;
    t.put("l/s.1", lines(1, 2));
    t.put("l/s", "");
    t.disk.set_fault({.call = SimDisk::Call::open, .error = EACCES, .times = SimDisk::Fault::for_ever});
    CHECK(t.read_back().all.empty());
}
