// The journal on a disk that fails, and under kills and power cuts at any moment.
#include "filter/journal/store.hpp"

#include <cstdlib>
#include <random>

#include <catch2/catch.hpp>

#include "tests/support/journal_model.hpp"
#include "tests/support/sim_disk.hpp"

using namespace smtpauth;
using test::drain;
using test::ModelCollector;
using test::ModelFilter;
using test::SimDisk;
using test::verdict;

namespace {

constexpr std::uint64_t segment_bytes = 8192;

JournalStore::Settings settings(bool syncs)
{
    return {"/journal", 6 * segment_bytes, segment_bytes, syncs};
}

std::size_t pick(std::mt19937& random, std::size_t below)
{
    return random() % below;
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

/// How many sequences: a short form in the suite, more where somebody asks for it.
std::uint64_t sequences(std::uint64_t usual)
{
    const char* const wanted = std::getenv("SMTPAUTH_SEQUENCES"); // NOLINT(concurrency-mt-unsafe): one thread
    return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : usual;
}

/// A life with every kind of event, ended by `crash`; then all reaches the collector.
template <class Crash>
std::string live(std::mt19937& random, bool syncs, std::size_t steps, Crash crash)
{
    SimDisk disk;
    ModelFilter filter(disk, settings(syncs));
    ModelCollector collector;
    std::set<std::string> may_lack;
    for (std::size_t start = 1 + pick(random, 3); start > 0; --start) {
        if (!filter.start())
            return "cannot start";
        for (std::size_t count = 1 + pick(random, steps); count > 0 && !disk.killed(); --count)
            step(filter, collector, random);
        crash(disk, filter, may_lack);
    }
    disk.set_capacity(1 << 20);
    drain(disk, filter, collector);
    return verdict(filter, collector, may_lack);
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
    const unsigned seed = std::random_device()();
    UNSCOPED_INFO("seed " << seed);
    std::mt19937 random(seed);
    for (std::uint64_t count = sequences(3000); count > 0; --count) {
        const std::string wrong =
            live(random, pick(random, 2) == 0, 40, [&](SimDisk& disk, ModelFilter& filter, auto&) {
                disk.kill_at(1 + pick(random, 60));
                ModelCollector unseen;
                for (int more = 0; more < 20 && !disk.killed(); ++more)
                    filter.append(1 + pick(random, 5), pick(random, 300));
                filter.end();
                disk.restart();
            });
        INFO("seed " << seed << ", " << count << " to go");
        REQUIRE(wrong == "");
    }
}

TEST_CASE("a power cut takes nothing that was synced", "[journal]")
{
    const unsigned seed = std::random_device()();
    std::mt19937 random(seed);
    for (std::uint64_t count = sequences(3000); count > 0; --count) {
        const bool syncs = pick(random, 3) != 0;
        const std::string wrong =
            live(random, syncs, 40, [&](SimDisk& disk, ModelFilter& filter, std::set<std::string>& may_lack) {
                // Half of the cuts come in the middle of a call.
                if (pick(random, 2) == 0) {
                    disk.kill_at(1 + pick(random, 30));
                    for (int more = 0; more < 10 && !disk.killed(); ++more)
                        filter.append(1 + pick(random, 5), pick(random, 300));
                }
                filter.end();
                may_lack.insert(filter.unsynced.begin(), filter.unsynced.end());
                disk.power_cut(random);
            });
        INFO("seed " << seed << ", " << count << " to go, syncs " << syncs);
        REQUIRE(wrong == "");
    }
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

TEST_CASE("random lives leave the logs that the model expects", "[journal]")
{
    const unsigned seed = std::random_device()();
    std::mt19937 random(seed);
    for (std::uint64_t count = sequences(3000); count > 0; --count) {
        const std::string wrong =
            live(random, pick(random, 2) == 0, 30, [&](SimDisk& disk, ModelFilter& filter, auto&) {
                if (pick(random, 2) == 0)
                    disk.kill_at(1);
                filter.end();
                disk.restart();
                if (pick(random, 4) == 0)
                    disk.set_capacity(segment_bytes * (1 + pick(random, 8)));
            });
        INFO("seed " << seed << ", " << count << " to go");
        REQUIRE(wrong == "");
    }
}
