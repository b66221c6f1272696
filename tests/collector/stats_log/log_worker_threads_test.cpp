#include "collector/stats_log/log_worker.hpp"

#include <algorithm>
#include <filesystem>

#include <catch2/catch.hpp>

#include "proto/event/codec.hpp"
#include "tests/support/records.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::message;
using test::TempDirectory;

namespace {

Batch batch_of(std::uint64_t first, std::uint64_t last)
{
    Batch batch;
    for (; first <= last; ++first) {
        std::string bytes;
        event::encode(message(), bytes);
        batch.add(1, {0xa, first}, bytes);
    }
    return batch;
}

struct Fixture {
    LogWorker::Committed note()
    {
        return [this](Batch batch) {
            const std::lock_guard lock(mutex);
            committed.push_back(batch.entries.back().id.sequence);
            changed.notify_one();
        };
    }

    bool wait_for_batches(std::size_t count)
    {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, 10s, [this, count] { return committed.size() >= count; });
    }

    std::size_t lines(const std::string& name) const
    {
        const std::string text = directory.read(name);
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    }

    TempDirectory directory;
    SystemClock clock;
    std::size_t samples = 0; // the worker's thread only, until it has ended
    RecordLogs logs{{directory / "logs/stats.log", directory / "logs/rejects.log", directory / "collector.state"},
                    {},
                    clock,
                    [this](const TrafficSample&) { ++samples; }};
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::uint64_t> committed;
};

} // namespace

TEST_CASE("batches are written one after the other and given back", "[worker]")
{
    Fixture t;
    std::filesystem::create_directory(t.directory / "logs");
    {
        LogWorker worker(t.logs, t.note());
        for (std::uint64_t batch = 0; batch < 20; ++batch) {
            worker.submit(batch_of(10 * batch + 1, 10 * batch + 10));
            REQUIRE(t.wait_for_batches(batch + 1));
        }
    }
    CHECK(t.lines("logs/stats.log") == 200);
    CHECK(t.samples == 200);
    CHECK(t.committed.back() == 200);
}

TEST_CASE("nothing is given back before it can be written", "[worker]")
{
    Fixture t;
    LogWorker worker(t.logs, t.note());
    worker.submit(batch_of(1, 5));
    {
        std::unique_lock lock(t.mutex);
        CHECK_FALSE(t.changed.wait_for(lock, 50ms, [&t] { return !t.committed.empty(); }));
    }
    CHECK(worker.status().writing);
    CHECK(worker.status().problem.find("logs/stats.log") != std::string::npos);
    CHECK(worker.status().stats.written == 0);
    std::filesystem::create_directory(t.directory / "logs");
    REQUIRE(t.wait_for_batches(1));
    CHECK(t.lines("logs/stats.log") == 5);
    CHECK_FALSE(worker.status().writing);
    CHECK(worker.status().problem.empty());
    CHECK(worker.status().stats.written == 5);
}

TEST_CASE("a batch that cannot be written does not keep the process from ending", "[worker]")
{
    Fixture t;
    {
        LogWorker worker(t.logs, t.note());
        worker.submit(batch_of(1, 5));
    }
    CHECK(t.committed.empty());
}

TEST_CASE("a batch under way at the end is still written", "[worker]")
{
    Fixture t;
    std::filesystem::create_directory(t.directory / "logs");
    {
        LogWorker worker(t.logs, t.note());
        worker.submit(batch_of(1, 1000));
    }
    CHECK(t.committed.size() == 1);
    CHECK(t.lines("logs/stats.log") == 1000);
}

TEST_CASE("reopening and new settings come between batches", "[worker]")
{
    Fixture t;
    std::filesystem::create_directory(t.directory / "logs");
    LogWorker worker(t.logs, t.note());
    worker.submit(batch_of(1, 3));
    REQUIRE(t.wait_for_batches(1));
    std::filesystem::rename(t.directory / "logs/stats.log", t.directory / "logs/moved");
    worker.reopen();
    worker.set({LogRecipients::count, Durability::process});
    worker.submit(batch_of(4, 7));
    REQUIRE(t.wait_for_batches(2));
    CHECK(t.lines("logs/moved") == 3);
    CHECK(t.lines("logs/stats.log") == 4);
    CHECK_THAT(t.directory.read("logs/stats.log"), !Catch::Contains("recipient:"));
}
