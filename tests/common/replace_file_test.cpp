#include "common/replace_file.hpp"

#include <catch2/catch.hpp>

#include "tests/support/sim_disk.hpp"

using namespace smtpauth;
using test::SimDisk;

TEST_CASE("a file is replaced as a whole", "[replace_file]")
{
    SimDisk disk;
    CHECK(replace_file(disk, "d/f", "one", 0640) == std::nullopt);
    CHECK(replace_file(disk, "d/f", "two", 0640) == std::nullopt);
    CHECK(disk.content("d/f") == "two");
    CHECK(disk.files() == std::vector<std::string>{"d/f"});
    CHECK(disk.open_descriptors() == 0);
}

TEST_CASE("whatever fails, a replaced file is the old one or the new one", "[replace_file]")
{
    const int error = GENERATE(EIO, ENOSPC, EINTR, 0);
    bool reached = true;
    for (std::uint64_t nth = 1; reached; ++nth) {
        SimDisk disk;
        disk.put("d/f", "old");
        disk.set_fault({.nth = nth, .error = error});
        const auto failure = replace_file(disk, "d/f", "new content", 0640);
        reached = disk.fault_reached();
        CAPTURE(nth, error, failure.value_or(""));
        if (!failure)
            CHECK(disk.content("d/f") == "new content");
        else
            CHECK((disk.content("d/f") == "old" || disk.content("d/f") == "new content"));
        CHECK(disk.open_descriptors() == 0);
        disk.clear_fault();
        CHECK(replace_file(disk, "d/f", "third", 0640) == std::nullopt);
        CHECK(disk.content("d/f") == "third");
    }
}

TEST_CASE("a replaced file outlasts a power cut at any call", "[replace_file]")
{
    const std::string before(5000, 'o');
    const std::string after(9000, 'n');
    std::mt19937 random(1); // the same each time
    bool killed = true;
    for (std::uint64_t nth = 1; killed; ++nth) {
        for (int cut = 0; cut < 100; ++cut) {
            SimDisk disk;
            disk.put("d/f", before);
            disk.kill_at(nth);
            const bool done = !replace_file(disk, "d/f", after, 0640);
            killed = disk.killed();
            disk.power_cut(random);
            CAPTURE(nth);
            if (done)
                CHECK(disk.content("d/f") == after);
            else
                CHECK((disk.content("d/f") == before || disk.content("d/f") == after));
        }
    }
}
