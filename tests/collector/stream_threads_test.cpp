// The stream's two ends against each other: the filter's journal and sender, the collector's receiver, log
// worker and logs.

#include <map>
#include <memory>
#include <optional>
#include <set>

#include <unistd.h>

#include <catch2/catch.hpp>

#include "collector/receiver.hpp"
#include "collector/stats_log/line_reader.hpp"
#include "collector/stats_log/log_scan.hpp"
#include "collector/stats_log/log_worker.hpp"
#include "filter/journal/disk_journal.hpp"
#include "filter/journal/sender.hpp"
#include "tests/support/records.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using test::message;
using test::refusal;
using test::run_until;
using test::TempDirectory;

namespace {

/// A collector as main wires it, without graphs. Destroying it in mid-stream is what a crash is.
class TestCollector {
public:
    TestCollector(asio::io_context& io, const TempDirectory& directory)
        : logs_({directory / "stats.log", directory / "rejects.log", directory / "collector.state"},
                {LogRecipients::full, Durability::process}, clock_, [](const TrafficSample&) {}),
          receiver_(io, ListeningSocket::open(UnixSocketSpec{directory / "events.sock"}), {::geteuid()},
                    [this](Batch batch) { worker_->submit(std::move(batch)); })
    {
        REQUIRE(logs_.read_back({}, [](const TrafficSample&) {}) == std::nullopt);
        worker_.emplace(logs_, [this, &io](Batch batch) {
            asio::post(io, [alive = std::weak_ptr(alive_), this, done = std::move(batch)]() mutable {
                if (alive.lock())
                    receiver_.batch_done(std::move(done));
            });
        });
        receiver_.start();
    }

private:
    SystemClock clock_;
    RecordLogs logs_;
    Receiver receiver_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>();
    std::optional<LogWorker> worker_;
};

/// How often each id stands in a log.
std::map<std::string, int> ids_in(const std::string& path)
{
    std::map<std::string, int> ids;
    const auto error = scan_log_file(system_disk(), path, 0, [&ids](std::string_view line, std::uint64_t) {
        const auto read = read_log_line(line);
        REQUIRE(std::holds_alternative<LoggedRecord>(read));
        ++ids[to_string(std::get<LoggedRecord>(read).id)];
        return true;
    });
    REQUIRE(error == std::nullopt);
    return ids;
}

} // namespace

TEST_CASE("each record stands in its log once, however often the collector begins anew", "[stream]")
{
    constexpr std::uint64_t records = 20000;
    constexpr std::uint64_t filters = 3;
    const TempDirectory directory;

    // The collector's loop is its own, and gone with it: nothing of a crashed process goes on.
    auto io = std::make_unique<asio::io_context>(1);
    auto collector = std::make_unique<TestCollector>(*io, directory);
    asio::io_context filter_io(1);
    const SystemClock clock;
    std::vector<std::unique_ptr<DiskJournal>> journals;
    std::vector<std::unique_ptr<SenderThread>> senders;
    for (std::uint64_t at = 0; at < filters; ++at) {
        FilterConfig config;
        config.journal_directory = directory / ("journal" + std::to_string(at));
        config.durability = Durability::process;
        journals.push_back(std::make_unique<DiskJournal>(filter_io, config, clock));
        senders.push_back(std::make_unique<SenderThread>(
            journals.back()->catalogue(),
            Sender::Settings{UnixSocketSpec{directory / "events.sock"}, "", journals.back()->id()}));
        journals.back()->on_release([sender = senders.back().get()] { sender->sender().wake(); });
    }

    std::uint64_t appended = 0;
    std::uint64_t turn = 0;
    const auto acknowledged = [&] {
        for (const auto& journal : journals)
            if (journal->catalogue().acknowledged() != journal->last())
                return false;
        return true;
    };
    REQUIRE(run_until(
        filter_io,
        [&] {
            for (int burst = 0; burst < 200 && appended < records; ++burst, ++appended)
                journals[appended % filters]->append(appended % 5 == 0 ? refusal() : message(), nullptr);
            io->restart();
            io->poll();
            if (++turn % 40 == 0 && appended < records) {
                collector.reset();
                io = std::make_unique<asio::io_context>(1);
                collector = std::make_unique<TestCollector>(*io, directory);
            }
            return appended == records && acknowledged();
        },
        std::chrono::seconds(60)));
    collector.reset();

    const auto stats = ids_in(directory / "stats.log");
    const auto rejects = ids_in(directory / "rejects.log");
    CHECK(stats.size() == records - records / 5);
    CHECK(rejects.size() == records / 5);
    for (const auto* log : {&stats, &rejects})
        for (const auto& [id, times] : *log)
            if (times != 1)
                FAIL(id << " stands " << times << " times in its log");
}
