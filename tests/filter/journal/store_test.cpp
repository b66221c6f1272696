#include "filter/journal/store.hpp"

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

JournalStore::Settings settings(std::uint64_t max_bytes = 8 * segment_bytes, bool syncs = true)
{
    return {"/journal", max_bytes, segment_bytes, syncs};
}

std::uint64_t segment_count(const SimDisk& disk)
{
    std::uint64_t count = 0;
    for (const auto& path : disk.files())
        count += path.ends_with(".j1") ? 1U : 0U;
    return count;
}

/// The segments' files, the oldest first.
std::vector<std::string> segments(const SimDisk& disk)
{
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& path : disk.files())
        if (path.ends_with(".j1"))
            found.emplace_back(path.substr(path.rfind('-')), path);
    std::sort(found.begin(), found.end());
    std::vector<std::string> paths;
    paths.reserve(found.size());
    for (auto& [number, path] : found)
        paths.push_back(std::move(path));
    return paths;
}

/// A journal of several starts and segments that nobody has read.
void fill(SimDisk& disk, ModelFilter& filter)
{
    for (int start = 0; start < 3; ++start) {
        REQUIRE(filter.start());
        for (int batch = 0; batch < 20; ++batch)
            filter.append(1 + static_cast<std::size_t>(batch) % 4, 40 + static_cast<std::size_t>(batch) * 7);
        filter.end();
        disk.restart();
    }
}

/// More messages than four segments have room for.
void overfill(ModelFilter& filter)
{
    for (int message = 0; message < 400; ++message)
        filter.append(1, 100);
}

} // namespace

TEST_CASE("what was kept is sent once, by whichever process", "[journal]")
{
    SimDisk disk;
    ModelFilter filter(disk, settings());
    ModelCollector collector;
    fill(disk, filter);
    drain(disk, filter, collector);
    CHECK(collector.logged.size() == filter.answered.size());
    CHECK(verdict(filter, collector).empty());
    CHECK(collector.loss_records == 0);
}

TEST_CASE("segments are deleted once they are acknowledged, and kills leave no more behind", "[journal]")
{
    SimDisk disk;
    ModelFilter filter(disk, settings());
    ModelCollector collector;
    for (int start = 0; start < 50; ++start) {
        REQUIRE(filter.start());
        for (int batch = 0; batch < 30; ++batch) {
            filter.append(2, 100);
            while (filter.send(collector, 4096))
                filter.acknowledge(0);
        }
        disk.kill_at(1);
        filter.end();
        disk.restart();
    }
    drain(disk, filter, collector);
    CHECK(verdict(filter, collector).empty());
    CHECK(segment_count(disk) <= 1);
}

TEST_CASE("a full journal loses exactly what it says, and goes on when there is room", "[journal]")
{
    SimDisk disk;
    ModelFilter filter(disk, settings(4 * segment_bytes));
    ModelCollector collector;
    REQUIRE(filter.start());
    overfill(filter);
    CHECK(disk.files().size() < 10);
    for (int round = 0; round < 5; ++round) {
        while (filter.send(collector, 4096))
            filter.acknowledge(0);
        filter.settle();
        filter.append(3, 100);
    }
    drain(disk, filter, collector);
    CHECK(collector.lost > 100);
    CHECK(collector.loss_records == 1);
    CHECK(verdict(filter, collector).empty());
}

TEST_CASE("losses outlive the process that counted them", "[journal]")
{
    SimDisk disk;
    ModelFilter filter(disk, settings(4 * segment_bytes));
    ModelCollector collector;
    REQUIRE(filter.start());
    overfill(filter);
    disk.kill_at(1);
    drain(disk, filter, collector);
    CHECK(collector.lost > 100);
    CHECK(collector.loss_records == 1);
    CHECK(verdict(filter, collector).empty());
}

TEST_CASE("a disk without room is a full journal", "[journal]")
{
    SimDisk disk;
    ModelFilter filter(disk, settings(1 << 20));
    ModelCollector collector;
    disk.set_capacity(5 * segment_bytes);
    REQUIRE(filter.start());
    for (int round = 0; round < 20; ++round) {
        for (int batch = 0; batch < 300; ++batch) {
            filter.append(2, 100);
            filter.prepare();
        }
        while (filter.send(collector, 4096))
            filter.acknowledge(0);
        filter.look_after();
        filter.settle();
    }
    disk.set_capacity(1 << 20);
    drain(disk, filter, collector);
    CHECK(collector.lost > 0);
    CHECK(verdict(filter, collector).empty());
}

TEST_CASE("the last segment cut at each octet keeps every whole record", "[journal]")
{
    std::size_t size = 0;
    for (std::size_t cut = 1; cut == 1 || cut < size; ++cut) {
        SimDisk disk;
        ModelFilter filter(disk, settings());
        ModelCollector collector;
        REQUIRE(filter.start());
        filter.append(5, 30);
        const std::uint64_t kept = filter.answered.size();
        filter.append(3, 30);
        filter.end();
        disk.restart();
        const std::string path = segments(disk).at(0);
        std::string content = disk.content(path).value();
        const std::size_t three_records = content.size() * 3 / 8;
        size = three_records;
        disk.put(path, content.substr(0, content.size() - cut));
        drain(disk, filter, collector);
        REQUIRE(collector.logged.size() >= kept);
        REQUIRE(collector.logged.size() < 8);
        for (const auto& [id, times] : collector.logged)
            REQUIRE((times == 1 && filter.answered.contains(id)));
    }
}

TEST_CASE("a bit flipped anywhere costs at most its record, and is counted", "[journal]")
{
    std::mt19937 random(20261123); // NOLINT(cert-msc51-cpp): the same each time
    for (int round = 0; round < 2000; ++round) {
        SimDisk disk;
        ModelFilter filter(disk, settings());
        ModelCollector collector;
        fill(disk, filter);
        const auto paths = segments(disk);
        const std::string& path = paths[random() % paths.size()];
        std::string content = disk.content(path).value();
        const std::size_t at = random() % content.size();
        content[at] = static_cast<char>(content[at] ^ 1 << random() % 8);
        disk.put(path, content);
        drain(disk, filter, collector);
        const std::size_t missing = filter.answered.size() - collector.logged.size();
        REQUIRE(missing <= 1);
        // The very end of the newest segment cannot be told from a write that a crash tore, nor what was under way.
        if (collector.loss_records != 0)
            REQUIRE(collector.lost == missing);
        else
            REQUIRE((missing == 0 || path == paths.back()));
        for (const auto& [id, times] : collector.logged)
            REQUIRE((times == 1 && filter.answered.contains(id)));
        // Told once, however often the filter starts.
        ModelCollector again;
        const auto losses = collector.loss_records;
        drain(disk, filter, collector);
        REQUIRE(collector.loss_records == losses);
    }
}

TEST_CASE("a segment of one damaged record is a loss, not an unfinished end", "[journal]")
{
    SimDisk disk;
    ModelFilter filter(disk, settings());
    ModelCollector collector;
    for (int start = 0; start < 3; ++start) {
        REQUIRE(filter.start());
        filter.append(1, 50);
        filter.end();
        disk.restart();
    }
    const std::string path = segments(disk).at(1);
    std::string content = disk.content(path).value();
    content[30] = static_cast<char>(content[30] ^ 1);
    disk.put(path, content);
    drain(disk, filter, collector);
    CHECK(collector.logged.size() == 2);
    CHECK(collector.lost == 1);
}
