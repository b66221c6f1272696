// The journal on a disk that fails, and under kills and power cuts at any moment.
#include "filter/journal/store.hpp"

#include <random>

#include <catch2/catch.hpp>

#include "tests/support/journal_model.hpp"
#include "tests/support/random_lives.hpp"
#include "tests/support/sim_disk.hpp"

using namespace smtpauth;
using test::drain;
using test::ModelCollector;
using test::ModelFilter;
using test::pick;
using test::run_sequences;
using test::SimDisk;
using test::verdict;

namespace {

constexpr std::uint64_t segment_bytes = 8192;

JournalStore::Settings settings(bool syncs)
{
    return {"/journal", 6 * segment_bytes, segment_bytes, syncs};
}

/// Something that a filter may do next.
void step(ModelFilter& filter, ModelCollector& collector, std::mt19937& random)
{
    switch (pick(random, 8)) {
    case 0:
    case 1:
    case 2:
        return filter.append(1 + pick(random, 12), pick(random, 300));
    case 3:
        return filter.settle();
    case 4:
    case 5:
        filter.send(collector, 1 + pick(random, 6000));
        return;
    case 6:
        return filter.acknowledge(pick(random, 4) == 0 ? pick(random, 5) : 0);
    default:
        filter.prepare();
        filter.look_after();
        return;
    }
}

/// Small files and little room: frames at each place of a block, a journal that is often full.
JournalStore::Settings any_settings(std::mt19937& random, bool syncs)
{
    const std::uint64_t segment = std::uint64_t{512} << pick(random, 6);
    return {"/journal", (2 + pick(random, 6)) * segment, segment, syncs};
}

/// A life with every kind of event: starts, each after `prepare` and ended by `crash`; then all reaches the collector.
template <class Prepare, class Crash>
std::string live(std::mt19937& random, const JournalStore::Settings& settings, std::size_t steps, Prepare prepare,
                 Crash crash)
{
    SimDisk disk;
    ModelFilter filter(disk, settings);
    ModelCollector collector;
    std::set<std::string> may_lack;
    for (std::size_t start = 1 + pick(random, 4); start > 0; --start) {
        prepare(disk);
        if (!filter.start() && !disk.killed())
            return "cannot start";
        for (std::size_t count = 1 + pick(random, steps); count > 0 && !disk.killed(); --count)
            step(filter, collector, random);
        crash(disk, filter, may_lack);
    }
    disk.set_capacity(1 << 20);
    drain(disk, filter, collector);
    return verdict(filter, collector, may_lack);
}

/// Half of the kills come while it starts, or in what it does then.
void kill_sometime(SimDisk& disk, std::mt19937& random)
{
    if (pick(random, 2) == 0)
        disk.kill_at(1 + pick(random, 80));
}

/// What a power cut may take is in `may_lack` from then on.
void cut_power(SimDisk& disk, ModelFilter& filter, std::set<std::string>& may_lack, std::mt19937& random)
{
    // Half of the cuts come in the middle of a call.
    if (pick(random, 2) == 0) {
        disk.kill_at(1 + pick(random, 30));
        for (int more = 0; more < 10 && !disk.killed(); ++more)
            filter.append(1 + pick(random, 12), pick(random, 300));
    }
    filter.end();
    may_lack.insert(filter.unsynced.begin(), filter.unsynced.end());
    disk.power_cut(random);
}

} // namespace

TEST_CASE("whichever call fails, nothing is lost but what is counted", "[journal]")
{
    const int error = GENERATE(EIO, ENOSPC, EINTR, 0);
    const std::uint64_t times = GENERATE(std::uint64_t{1}, std::uint64_t{3}, std::uint64_t{40});
    CAPTURE(error, times);
    bool reached = true;
    for (std::uint64_t nth = 1; reached; ++nth) {
        SimDisk disk;
        ModelFilter filter(disk, settings(true));
        ModelCollector collector;
        REQUIRE(filter.start());
        disk.set_fault({.nth = nth, .error = error, .times = times});
        for (int round = 0; round < 12; ++round) {
            filter.append(4, 150);
            filter.prepare();
            filter.append(4, 150);
            filter.send(collector, 3000);
            filter.acknowledge(0);
            filter.look_after();
            filter.settle();
        }
        reached = disk.fault_reached();
        // A disk that never works again keeps nothing.
        disk.clear_fault();
        filter.look_after();
        drain(disk, filter, collector);
        const std::string wrong = verdict(filter, collector);
        CAPTURE(nth);
        REQUIRE(wrong == "");
    }
}

TEST_CASE("a start that fails, fails whole, or goes on with what it found", "[journal]")
{
    bool reached = true;
    for (std::uint64_t nth = 1; reached; ++nth) {
        SimDisk disk;
        ModelFilter filter(disk, settings(true));
        ModelCollector collector;
        REQUIRE(filter.start());
        filter.append(20, 150);
        filter.append(20, 150);
        // More than the file has room for, and there is no other: counted, and not told yet.
        disk.set_fault({.nth = 1, .call = SimDisk::Call::rename, .times = SimDisk::Fault::for_ever});
        filter.append(40, 150);
        filter.end();
        disk.restart();
        disk.set_fault({.nth = nth, .error = EIO});
        if (filter.start()) {
            filter.append(2, 10);
            filter.end();
        }
        reached = disk.fault_reached();
        drain(disk, filter, collector);
        CAPTURE(nth);
        REQUIRE(verdict(filter, collector) == "");
    }
}

TEST_CASE("killed at any call, a filter forgets nothing that it answered", "[journal]")
{
    run_sequences(3000, [](std::mt19937& random) {
        return live(
            random, settings(pick(random, 2) == 0), 40, [&](SimDisk& disk) { kill_sometime(disk, random); },
            [&](SimDisk& disk, ModelFilter& filter, auto&) {
                disk.kill_at(1 + pick(random, 60));
                for (int more = 0; more < 20 && !disk.killed(); ++more)
                    filter.append(1 + pick(random, 5), pick(random, 300));
                filter.end();
                disk.restart();
            });
    });
}

TEST_CASE("a power cut takes nothing that was synced", "[journal]")
{
    run_sequences(3000, [](std::mt19937& random) {
        return live(
            random, any_settings(random, pick(random, 3) != 0), 40, [&](SimDisk& disk) { kill_sometime(disk, random); },
            [&](SimDisk& disk, ModelFilter& filter, auto& may_lack) { cut_power(disk, filter, may_lack, random); });
    });
}

TEST_CASE("numbers lost for want of room are not lost again with a torn write behind them", "[journal]")
{
    // The block's end falls on each octet of the write.
    for (std::size_t size = 3800; size < 4096; ++size) {
        SimDisk disk;
        ModelFilter filter(disk, {"/journal", SimDisk::block_size + 200, 2 * SimDisk::block_size, true});
        ModelCollector collector;
        REQUIRE(filter.start());
        filter.append(1, size);
        filter.append(12, 100);
        disk.kill_at(2);
        filter.append(2, 0);
        filter.end();
        std::mt19937 random(static_cast<std::mt19937::result_type>(size));
        disk.power_cut(random);
        drain(disk, filter, collector);
        CAPTURE(size);
        REQUIRE(verdict(filter, collector) == "");
    }
}

TEST_CASE("losses are told though a power cut brings back that they were about to be", "[journal]")
{
    const bool syncs = GENERATE(false, true);
    for (unsigned seed = 0; seed < 100; ++seed) {
        CAPTURE(syncs, seed);
        std::mt19937 random(seed);
        SimDisk disk;
        ModelFilter filter(disk, {"/journal", 2048, 512, syncs});
        ModelCollector collector;
        REQUIRE(filter.start());
        filter.append(12, 300);
        filter.look_after();
        disk.kill_at(3); // noted, and synced
        filter.settle();
        filter.end();
        disk.restart();
        // The next process takes the note back, but not for good.
        disk.set_fault({.nth = 2, .call = SimDisk::Call::sync});
        REQUIRE(filter.start());
        filter.append(3, 0);
        disk.kill_at(1);
        filter.end();
        const std::set<std::string> may_lack = filter.unsynced;
        disk.power_cut(random);
        drain(disk, filter, collector);
        REQUIRE(verdict(filter, collector, may_lack) == "");
    }
}

TEST_CASE("random lives leave the logs that the model expects", "[journal]")
{
    run_sequences(3000, [](std::mt19937& random) {
        return live(
            random, settings(pick(random, 2) == 0), 30, [](SimDisk&) {},
            [&](SimDisk& disk, ModelFilter& filter, auto&) {
                if (pick(random, 2) == 0)
                    disk.kill_at(1);
                filter.end();
                disk.restart();
                if (pick(random, 4) == 0)
                    disk.set_capacity(segment_bytes * (1 + pick(random, 8)));
            });
    });
}
