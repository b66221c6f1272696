// Every record stands in its log once, whatever fails and whenever the process is killed or the power goes. The filters
// are a model of the stream: each sends its records in order and, after an interruption, all that was not acknowledged.

#include "collector/stats_log/record_logs.hpp"

#include <sys/stat.h>

#include <map>
#include <mutex>

#include <catch2/catch.hpp>

#include "collector/stats_log/line_reader.hpp"
#include "common/log.hpp"
#include "proto/event/codec.hpp"
#include "tests/support/records.hpp"
#include "tests/support/sim_disk.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::SimDisk;

namespace {

/// One filter's journal. What it holds follows from the numbers alone.
struct Filter {
    std::uint64_t journal = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t sent = 0; ///< since it connected
    std::uint64_t made = 0; ///< ever

    /// Every fifth is a refusal; the others' lines have a hundred octets or up to four blocks.
    event::Record record(std::uint64_t sequence) const
    {
        if (sequence % 5 == 0)
            return test::refusal();
        auto record = test::message();
        for (std::uint64_t recipients = (journal + sequence * 7919) % 307 / 2 * (sequence % 3 / 2); recipients > 0;
             --recipients)
            record.recipients.append("somebody-or-other-" + std::to_string(sequence * recipients) +
                                     "@lists.example.org");
        return record;
    }
};

enum class Outcome { stopped, died };

/// Thousands of crashes have much to tell, and nobody wants to read it.
void silence_log()
{
    static std::once_flag once;
    std::call_once(once, [] {
        log::Settings settings;
        settings.to = "file:/dev/null";
        log::start(settings);
    });
}

struct Site {
    Site(Durability durability_, unsigned seed) : durability(durability_), random(seed)
    {
        silence_log();
        clock.set(test::noon);
        for (std::uint64_t journal = 1; journal <= 3; ++journal)
            filters.push_back({journal});
    }

    unsigned pick(unsigned choices) { return std::uniform_int_distribution(0U, choices - 1)(random); }

    /// One process, from start to end. What fails is tried again, as the log worker does.
    Outcome live(int turns)
    {
        RecordLogs logs(
            {"l/stats.log", "l/rejects.log", "s/collector.state"}, {LogRecipients::full, durability}, clock,
            [](const TrafficSample&) {}, disk);
        if (logs.read_back({}, [](const TrafficSample&) {}) || logs.open())
            return Outcome::died;
        for (Filter& filter : filters)
            filter.sent = filter.acknowledged;
        for (; turns > 0 && !disk.killed(); --turns) {
            if (!take_turn(logs))
                return Outcome::died;
        }
        logs.save_state();
        return disk.killed() ? Outcome::died : Outcome::stopped;
    }

    /// By hand, or by logrotate.
    void rename(RecordLogs& logs)
    {
        disk.rename("l/stats.log", "l/stats.log." + std::to_string(++renamed));
        if (pick(2) == 0)
            logs.reopen();
    }

    /// @return  false where a batch could not be written.
    bool take_turn(RecordLogs& logs)
    {
        clock.advance(1min);
        if (draining)
            return send_batch(logs);
        switch (pick(8)) {
        case 0:
            clock.advance(std::chrono::hours(1 + pick(20)));
            if (pick(4) == 0)
                clock.set(clock.now() + (pick(2) == 0 ? 400 * 24h : -400 * 24h));
            logs.open();
            return true;
        case 1:
            rename(logs);
            return true;
        default:
            return send_batch(logs);
        }
    }

    bool send_batch(RecordLogs& logs)
    {
        Batch batch;
        for (Filter& filter : filters) {
            const std::uint64_t last = draining ? filter.made : filter.sent + pick(6);
            while (filter.sent < last) {
                filter.made = std::max(filter.made, ++filter.sent);
                std::string bytes;
                event::encode(filter.record(filter.sent), bytes);
                batch.add(filter.journal, {filter.journal, filter.sent}, bytes);
            }
        }
        logs.add(batch);
        bool committed = false;
        for (int tries = 0; !committed && tries < 5; ++tries) {
            committed = !logs.commit();
            if (!committed && pick(3) == 0)
                rename(logs);
        }
        if (!committed)
            return false;
        for (Filter& filter : filters) {
            // Now and then the acknowledgement is lost with its connection.
            if (!draining && pick(10) == 0)
                filter.sent = filter.acknowledged;
            else
                filter.acknowledged = filter.sent;
        }
        return true;
    }

    /// Others take rotated files away once the process has gone on to the next one.
    void move_old_logs_away()
    {
        const auto state = parse_state(disk.content("s/collector.state").value_or(""));
        struct stat current {};
        if (!state || disk.status("l/stats.log", current) != 0 || current.st_ino != state->stats.inode)
            return;
        for (const std::string& path : disk.files())
            if (path.starts_with("l/stats.log."))
                disk.rename(path, "l/away" + std::to_string(++renamed) + ".stats");
        disk.sync_directory("l");
    }

    /// How often each record stands in the logs of one kind. Every line must be a whole one.
    std::map<std::pair<std::uint64_t, std::uint64_t>, int> ids_in(const std::string& kind) const
    {
        std::map<std::pair<std::uint64_t, std::uint64_t>, int> ids;
        for (const std::string& path : disk.files()) {
            if (!path.starts_with("l/") || path.find(kind) == std::string::npos)
                continue;
            const std::string text = disk.content(path).value();
            for (std::size_t at = 0; at < text.size();) {
                const std::size_t end = text.find('\n', at);
                if (end == std::string::npos) {
                    // Nothing follows where others renamed a file that had nothing else.
                    CHECK((at == 0 && !path.ends_with(".log")));
                    break;
                }
                const auto line = std::string_view(text).substr(at, end - at);
                at = end + 1;
                // Without syncs, what was acknowledged may be lost, and the file says where.
                if (durability == Durability::process && line.find('\0') != std::string_view::npos)
                    continue;
                const auto read = read_log_line(line);
                if (!std::holds_alternative<LoggedRecord>(read))
                    FAIL(path << ": no line before offset " << at << ": " << std::get<BadLine>(read).error);
                const auto id = std::get<LoggedRecord>(read).id;
                ++ids[{id.journal, id.sequence}];
            }
        }
        return ids;
    }

    /// Sends what is left, and looks for each record in its log. @return  how many are missing.
    std::size_t check()
    {
        disk.restart();
        draining = true;
        REQUIRE(live(1) == Outcome::stopped);
        draining = false;
        const auto stats = ids_in("stats");
        const auto rejects = ids_in("rejects");
        std::size_t missing = 0;
        for (const Filter& filter : filters) {
            for (std::uint64_t sequence = 1; sequence <= filter.made; ++sequence) {
                const auto& log = sequence % 5 == 0 ? rejects : stats;
                missing += log.contains({filter.journal, sequence}) ? 0U : 1U;
            }
        }
        for (const auto* log : {&stats, &rejects})
            for (const auto& [id, times] : *log)
                if (times != 1)
                    FAIL("record " << id.first << '-' << id.second << " stands " << times << " times in its log");
        CHECK(disk.open_descriptors() == 0);
        return missing;
    }

    Durability durability;
    std::mt19937 random;
    ManualClock clock;
    SimDisk disk{&clock};
    std::vector<Filter> filters;
    int renamed = 0;
    bool draining = false; ///< filters make nothing new and send all they have
};

} // namespace

TEST_CASE("whichever call fails, each record stands in its log once", "[stats_log][crash]")
{
    const auto durability = GENERATE(Durability::group, Durability::process);
    const int error = GENERATE(EIO, ENOSPC, EINTR, 0);
    std::uint64_t nth = 1;
    for (bool reached = true; reached; ++nth) {
        Site site(durability, 7);
        site.live(10);
        site.disk.restart();
        site.disk.set_fault({.nth = nth, .error = error, .times = 1 + nth % 3});
        site.live(20);
        reached = site.disk.fault_reached();
        CAPTURE(nth, error, durability);
        if (durability != Durability::process)
            site.disk.power_cut(site.random);
        CHECK(site.check() == 0);
    }
    CHECK(nth > 100);
}

TEST_CASE("whenever the process is killed, each record stands in its log once", "[stats_log][crash]")
{
    const auto durability = GENERATE(Durability::group, Durability::process);
    std::uint64_t nth = 1;
    for (bool killed = true; killed; ++nth) {
        Site site(durability, 7);
        site.live(10);
        site.disk.restart();
        site.disk.kill_at(nth);
        site.live(20);
        killed = site.disk.killed();
        site.disk.restart();
        CAPTURE(nth, durability);
        CHECK(site.check() == 0);
    }
    CHECK(nth > 100);
}

TEST_CASE("a disk that is full for a while costs nothing but time", "[stats_log][crash]")
{
    for (std::uint64_t capacity = 0; capacity < 100'000; capacity += 1777) {
        Site site(Durability::group, static_cast<unsigned>(capacity));
        site.live(3);
        site.disk.set_capacity(capacity);
        site.live(10);
        site.disk.restart();
        site.live(10);
        site.disk.set_capacity(1 << 30);
        CHECK(site.check() == 0);
    }
}

TEST_CASE("what is acknowledged survives every power cut, and nothing comes twice", "[stats_log][crash]")
{
    const auto durability = GENERATE(Durability::group, Durability::always);
    std::size_t cuts = 0;
    for (unsigned seed = 0; seed < 300; ++seed) {
        Site site(durability, seed);
        CAPTURE(seed);
        for (int life = 0; life < 6; ++life) {
            site.disk.kill_at(1 + site.pick(120));
            if (site.live(30) == Outcome::stopped || site.pick(4) == 0) {
                site.disk.restart();
            } else {
                site.disk.power_cut(site.random);
                ++cuts;
            }
            // Either of the two costs nothing: the state file, or the logs that it speaks of.
            if (seed % 2 == 0)
                site.move_old_logs_away();
            else if (site.pick(3) == 0)
                site.disk.remove("s/collector.state");
        }
        CHECK(site.check() == 0);
    }
    CHECK(cuts >= 1000);
}

TEST_CASE("without syncs a power cut takes what was not on the disk, and nothing comes twice", "[stats_log][crash]")
{
    std::size_t missing = 0;
    for (unsigned seed = 0; seed < 300; ++seed) {
        Site site(Durability::process, seed);
        CAPTURE(seed);
        for (int life = 0; life < 3; ++life) {
            site.disk.kill_at(1 + site.pick(120));
            site.live(30);
            site.disk.restart();
        }
        CHECK(site.check() == 0);
        site.live(10);
        site.disk.power_cut(site.random);
        missing += site.check();
    }
    CHECK(missing > 0);
}
