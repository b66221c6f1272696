#include "collector/stats_log/record_logs.hpp"

#include <filesystem>

#include <catch2/catch.hpp>

#include "proto/event/codec.hpp"
#include "tests/support/records.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using test::message;
using test::refusal;
using test::TempDirectory;

namespace {

constexpr std::uint64_t journal = 0xa;

void add(Batch& batch, std::uint64_t sequence, const event::Record& record, std::uint64_t of_journal = journal)
{
    std::string bytes;
    event::encode(record, bytes);
    batch.add(1, {of_journal, sequence}, bytes);
}

/// The ids of a log's lines, without the journal's.
std::vector<std::string> ids_in(const std::string& text)
{
    std::vector<std::string> ids;
    for (std::size_t at = text.find("\tid:"); at != std::string::npos; at = text.find("\tid:", at + 1)) {
        const std::size_t begin = text.find('-', at + 4) + 1;
        ids.push_back(text.substr(begin, text.find_first_of("\t\n", begin) - begin));
    }
    return ids;
}

struct Fixture {
    Fixture() { clock.set(test::noon); }

    RecordLogs logs()
    {
        return {{directory / "stats.log", directory / "rejects.log", directory / "collector.state"},
                {},
                clock,
                [this](const TrafficSample& sample) { samples.push_back(sample); }};
    }

    void write(RecordLogs& logs, const Batch& batch)
    {
        logs.add(batch);
        REQUIRE(logs.commit() == std::nullopt);
    }

    std::vector<std::string> stats() const { return ids_in(directory.read("stats.log")); }
    std::vector<std::string> rejects() const { return ids_in(directory.read("rejects.log")); }

    TempDirectory directory;
    ManualClock clock;
    std::vector<TrafficSample> samples;
};

using Ids = std::vector<std::string>;

} // namespace

TEST_CASE("mail that passed stands in the stats log, everything else in the rejects log", "[stats_log][logs]")
{
    Fixture t;
    auto logs = t.logs();
    auto warned = message();
    warned.action = event::Action::warn;
    auto held = message();
    held.action = event::Action::hold;
    event::Record loss;
    loss.type = event::RecordType::loss;

    Batch batch;
    add(batch, 1, message());
    add(batch, 2, refusal());
    add(batch, 3, warned);
    add(batch, 4, held);
    add(batch, 5, loss);
    t.write(logs, batch);
    CHECK(t.stats() == Ids{"1", "3"});
    CHECK(t.rejects() == Ids{"2", "4", "5"});
}

TEST_CASE("a record that comes again is not written again", "[stats_log][logs]")
{
    Fixture t;
    Batch batch;
    add(batch, 1, message());
    add(batch, 2, refusal());
    add(batch, 3, message());
    {
        auto logs = t.logs();
        t.write(logs, batch);
        t.write(logs, batch);
    }
    CHECK(t.samples.size() == 3);

    // A new process knows it from the files, each by itself, and counts what it reads.
    auto logs = t.logs();
    std::size_t recounted = 0;
    REQUIRE(logs.read_back(test::noon, [&recounted](const TrafficSample&) { ++recounted; }) == std::nullopt);
    CHECK(recounted == 3);
    add(batch, 4, refusal());
    add(batch, 5, message());
    t.write(logs, batch);
    CHECK(t.stats() == Ids{"1", "3", "5"});
    CHECK(t.rejects() == Ids{"2", "4"});
    CHECK(t.samples.size() == 5);
}

TEST_CASE("a record that reached one file only reaches the other after a restart", "[stats_log][logs]")
{
    Fixture t;
    Batch batch;
    add(batch, 1, refusal());
    add(batch, 2, message());
    {
        auto logs = t.logs();
        t.write(logs, batch);
    }
    std::filesystem::resize_file(t.directory / "rejects.log", 0);
    auto logs = t.logs();
    REQUIRE(logs.read_back({}, [](const TrafficSample&) {}) == std::nullopt);
    t.write(logs, batch);
    CHECK(t.stats() == Ids{"2"});
    CHECK(t.rejects() == Ids{"1"});
}

TEST_CASE("each filter counts by itself", "[stats_log][logs]")
{
    Fixture t;
    auto logs = t.logs();
    Batch batch;
    add(batch, 7, message(), 0xa);
    add(batch, 3, message(), 0xb);
    add(batch, 7, message(), 0xb);
    t.write(logs, batch);
    CHECK(t.stats() == Ids{"7", "3", "7"});
}

TEST_CASE("lines of others do not hide what the log has", "[stats_log][logs]")
{
    Fixture t;
    t.directory.write("stats.log", "garbage\nauth_id:alice\tid:000000000000000a-2\n\n\xff\xfe\n");
    auto logs = t.logs();
    REQUIRE(logs.read_back({}, [](const TrafficSample&) {}) == std::nullopt);
    Batch batch;
    add(batch, 2, message());
    add(batch, 3, message());
    t.write(logs, batch);
    CHECK(t.stats() == Ids{"2", "3"});
}

TEST_CASE("a record that cannot be read is named and passed over", "[stats_log][logs]")
{
    Fixture t;
    auto logs = t.logs();
    Batch batch;
    batch.add(1, {journal, 1}, "\x01");
    add(batch, 2, message());
    t.write(logs, batch);
    CHECK(t.stats() == Ids{"2"});
    CHECK(t.rejects() == Ids{"1"});
    CHECK_THAT(t.directory.read("rejects.log"), Catch::Contains("action:loss") && Catch::Contains("could not be read"));
}

TEST_CASE("traffic is told when it stands in the log, by recipients", "[stats_log][logs]")
{
    Fixture t;
    auto logs = t.logs();
    auto folded = refusal();
    folded.count = 61;
    Batch batch;
    add(batch, 1, message());
    add(batch, 2, folded);
    logs.add(batch);
    CHECK(t.samples.empty());
    REQUIRE(logs.commit() == std::nullopt);
    REQUIRE(t.samples.size() == 2);
    CHECK(t.samples[0].graph == Graph::passed);
    CHECK(t.samples[0].time == test::noon);
    CHECK(t.samples[0].counts == TrafficCounts{1, 2, 0, 0});
    CHECK(t.samples[1].graph == Graph::refused);
    CHECK(t.samples[1].counts == TrafficCounts{61, 0, 0, 0});
}

TEST_CASE("the recount counts recipients also where the log keeps only their number", "[stats_log][logs]")
{
    Fixture t;
    {
        auto logs = t.logs();
        logs.set({LogRecipients::count, Durability::process});
        Batch batch;
        add(batch, 1, message());
        t.write(logs, batch);
    }
    auto logs = t.logs();
    std::vector<TrafficSample> recounted;
    REQUIRE(logs.read_back(test::noon, [&recounted](const TrafficSample& sample) { recounted.push_back(sample); }) ==
            std::nullopt);
    REQUIRE(recounted.size() == 1);
    CHECK(recounted[0].counts == TrafficCounts{1, 2, 0, 0});
    CHECK(recounted[0].time == test::noon);
}

TEST_CASE("records before the recount's time are not counted again", "[stats_log][logs]")
{
    Fixture t;
    {
        auto logs = t.logs();
        Batch batch;
        add(batch, 1, message());
        auto later = message();
        later.eom_time += std::chrono::minutes(1);
        add(batch, 2, later);
        t.write(logs, batch);
    }
    auto logs = t.logs();
    std::size_t recounted = 0;
    REQUIRE(logs.read_back(test::noon + std::chrono::seconds(30),
                           [&recounted](const TrafficSample&) { ++recounted; }) == std::nullopt);
    CHECK(recounted == 1);
}

TEST_CASE("what is written and what was there already is counted, once it is committed", "[stats_log][logs]")
{
    Fixture t;
    auto logs = t.logs();
    Batch batch;
    std::string bytes;
    event::encode(message(), bytes);
    batch.add(1, {0xa, 1}, bytes);
    logs.add(batch);
    CHECK(logs.stats_counters().written == 0);
    REQUIRE(logs.commit() == std::nullopt);
    t.write(logs, batch);
    CHECK(logs.stats_counters().written == 1);
    CHECK(logs.stats_counters().duplicates == 1);
    CHECK(logs.rejects_counters().written == 0);
}

TEST_CASE("the state knows a new file before a record of it is acknowledged", "[stats_log][logs][state]")
{
    Fixture t;
    auto logs = t.logs();
    REQUIRE(logs.open() == std::nullopt);
    Batch batch;
    add(batch, 1, message());
    t.write(logs, batch);
    const std::string first = t.directory.read("collector.state");
    t.clock.advance(std::chrono::hours(24));
    batch.clear();
    add(batch, 2, message());
    t.write(logs, batch);
    const auto state = parse_state(t.directory.read("collector.state"));
    REQUIRE(state);
    CHECK(t.directory.read("collector.state") != first);
    // It claims what the file before had, and nothing of the current one.
    CHECK(state->stats.before.list() == std::vector<event::RecordId>{{journal, 1}});
}

TEST_CASE("where the state cannot be written nothing is acknowledged", "[stats_log][logs][state]")
{
    Fixture t;
    RecordLogs logs{{t.directory / "stats.log", t.directory / "rejects.log", t.directory / "missing/state"},
                    {},
                    t.clock,
                    [](const TrafficSample&) {}};
    Batch batch;
    add(batch, 1, message());
    logs.add(batch);
    CHECK(logs.commit());
    std::filesystem::create_directory(t.directory / "missing");
    CHECK(logs.commit() == std::nullopt);
    CHECK(t.stats() == Ids{"1"});
}

TEST_CASE("a log that was moved away is not written again", "[stats_log][logs][state]")
{
    Fixture t;
    Batch batch;
    add(batch, 1, message());
    add(batch, 2, refusal());
    {
        auto logs = t.logs();
        t.write(logs, batch);
        t.clock.advance(std::chrono::hours(24));
        REQUIRE(logs.open() == std::nullopt);
    }
    for (const auto& entry : std::filesystem::directory_iterator(t.directory.path()))
        if (entry.path().string().find(".log.") != std::string::npos)
            std::filesystem::remove(entry.path());
    auto logs = t.logs();
    REQUIRE(logs.read_back({}, [](const TrafficSample&) {}) == std::nullopt);
    add(batch, 3, message());
    t.write(logs, batch);
    CHECK(t.stats() == Ids{"3"});
    CHECK(t.rejects().empty());
}

TEST_CASE("a state that is gone or of yesterday costs nothing", "[stats_log][logs][state]")
{
    Fixture t;
    Batch batch;
    add(batch, 1, message());
    std::string yesterday;
    {
        auto logs = t.logs();
        t.write(logs, batch);
        yesterday = t.directory.read("collector.state");
        t.clock.advance(std::chrono::hours(24));
        add(batch, 2, message());
        t.write(logs, batch);
        REQUIRE(logs.save_state() == std::nullopt);
    }
    SECTION("gone")
    {
        std::filesystem::remove(t.directory / "collector.state");
    }
    SECTION("of yesterday")
    {
        t.directory.write("collector.state", yesterday);
    }
    SECTION("garbage")
    {
        t.directory.write("collector.state", "garbage");
    }
    auto logs = t.logs();
    REQUIRE(logs.read_back({}, [](const TrafficSample&) {}) == std::nullopt);
    add(batch, 3, message());
    t.write(logs, batch);
    CHECK(t.stats() == Ids{"2", "3"});
}

TEST_CASE("a log that was cut in its unacknowledged end is filled again", "[stats_log][logs]")
{
    Fixture t;
    Batch batch;
    for (std::uint64_t sequence = 1; sequence <= 5; ++sequence)
        add(batch, sequence, message());
    {
        auto logs = t.logs();
        t.write(logs, batch);
    }
    const std::string whole = t.directory.read("stats.log");
    const std::size_t cut = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{500}, std::size_t{1000});
    std::filesystem::resize_file(t.directory / "stats.log", cut);
    auto logs = t.logs();
    REQUIRE(logs.read_back({}, [](const TrafficSample&) {}) == std::nullopt);
    t.write(logs, batch);
    CHECK(t.directory.read("stats.log") == whole);
}

namespace {

struct SeenRecords final : RecordObserver {
    bool wants(const event::RecordId& id, bool passed, event::Time time) const override
    {
        asked.push_back(std::to_string(id.sequence) + (passed ? " passed" : " refused"));
        return time >= wanted_from;
    }
    void replay(const event::RecordId& id, const event::Record& record) override
    {
        replayed.push_back(std::to_string(id.sequence) + ' ' + record.auth_id);
    }
    void add(const event::RecordId& id, const event::Record& record) override
    {
        added.push_back(std::to_string(id.sequence) + ' ' + record.auth_id);
    }

    event::Time wanted_from{};
    mutable std::vector<std::string> asked;
    std::vector<std::string> replayed, added;
};

} // namespace

TEST_CASE_METHOD(Fixture, "an observer sees each record once, after a start those that it wants", "[collector][logs]")
{
    using Strings = std::vector<std::string>;
    Batch batch;
    add(batch, 1, refusal());
    add(batch, 2, message());
    add(batch, 4, message());
    SeenRecords seen;
    {
        RecordLogs first = logs();
        first.show_to(seen);
        REQUIRE(first.read_back({}, [](const TrafficSample&) {}) == std::nullopt);
        REQUIRE(first.open() == std::nullopt);
        write(first, batch);
        write(first, batch);
        CHECK(seen.added == Strings{"1 mallory", "2 alice", "4 alice"});
        CHECK(seen.asked.empty());
    }
    SeenRecords again;
    again.wanted_from = GENERATE(event::Time{}, test::noon + std::chrono::hours(1));
    RecordLogs second = logs();
    second.show_to(again);
    int recounted = 0;
    REQUIRE(second.read_back(test::noon + std::chrono::hours(1), [&](const TrafficSample&) { ++recounted; }) ==
            std::nullopt);
    CHECK(again.asked == Strings{"2 passed", "4 passed", "1 refused"});
    CHECK(again.replayed ==
          (again.wanted_from == event::Time{} ? Strings{"2 alice", "4 alice", "1 mallory"} : Strings{}));
    CHECK(recounted == 0);
}
