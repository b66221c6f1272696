#include "tests/support/sim_disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>

#include <catch2/catch.hpp>

using namespace smtpauth;
using test::SimDisk;
using Call = SimDisk::Call;
using Strings = std::vector<std::string>;

namespace {

constexpr int appending = O_RDWR | O_CREAT | O_APPEND;

/// Opens, and fails the test where that fails.
int open_file(SimDisk& disk, const std::string& path, int flags = appending)
{
    const int fd = disk.open(path, flags, 0640);
    REQUIRE(fd >= 0);
    return fd;
}

ssize_t write(SimDisk& disk, int fd, std::string_view text)
{
    return disk.write(fd, text.data(), text.size());
}

/// What many power cuts leave of the file, each from the same beginning. "-" where it is gone.
template <class Begin>
std::set<std::string> left_by_power_cuts(const std::string& path, Begin begin)
{
    std::set<std::string> left;
    std::mt19937 random(1); // the same each time
    for (int cut = 0; cut < 300; ++cut) {
        SimDisk disk;
        begin(disk);
        disk.power_cut(random);
        left.insert(disk.content(path).value_or("-"));
    }
    return left;
}

} // namespace

TEST_CASE("a simulated disk does what a disk does", "[sim_disk]")
{
    ManualClock clock;
    clock.set(Clock::WallTime(std::chrono::milliseconds(1500)));
    SimDisk disk(&clock);
    const int fd = open_file(disk, "/d/a");
    CHECK(write(disk, fd, "hello") == 5);
    CHECK(write(disk, fd, " you") == 4);
    std::array<char, 16> text{};
    CHECK(disk.read_at(fd, text.data(), text.size(), 6) == 3);
    CHECK(std::string(text.data()) == "you");
    struct stat status {};
    CHECK(disk.status(fd, status) == 0);
    CHECK(status.st_size == 9);
    CHECK(status.st_mode == (S_IFREG | 0640));
    CHECK(status.st_mtim.tv_sec == 1);
    CHECK(status.st_mtim.tv_nsec == 500'000'000);
    CHECK(disk.truncate(fd, 2) == 0);
    CHECK(write(disk, fd, "y") == 1);
    CHECK(disk.content("/d/a") == "hey");

    const int in_place = open_file(disk, "/d/a", O_RDWR);
    CHECK(disk.write_at(in_place, "xy", 2, 4) == 2);
    CHECK(disk.content("/d/a") == std::string("hey\0xy", 6));
    CHECK(write(disk, in_place, "H") == 1);
    CHECK(write(disk, in_place, "E") == 1);
    CHECK(disk.content("/d/a") == std::string("HEy\0xy", 6));

    CHECK(disk.rename("/d/a", "/d/b") == 0);
    open_file(disk, "/d/a");
    CHECK(disk.rename_to_free("/d/b", "/d/a") == -1);
    CHECK(errno == EEXIST);
    CHECK(disk.rename_to_free("/d/b", "/d/c") == 0);
    Strings names;
    CHECK(disk.list("/d", names) == 0);
    CHECK(names == Strings{"a", "c"});
    CHECK(disk.files() == Strings{"/d/a", "/d/c"});
    CHECK(disk.remove("/d/c") == 0);
    CHECK(write(disk, fd, "still open") == 10);
    CHECK(disk.status(fd, status) == 0);
    CHECK(status.st_nlink == 0);
    CHECK(disk.open("/d/c", O_RDONLY, 0) == -1);
    CHECK(errno == ENOENT);
    CHECK(disk.open("/d/a", O_CREAT | O_EXCL, 0) == -1);
    CHECK(errno == EEXIST);
    CHECK(disk.close(fd) == 0);
    CHECK(disk.close(fd) == -1);
    CHECK(errno == EBADF);
}

TEST_CASE("each call can be the one that fails", "[sim_disk]")
{
    const int error = GENERATE(EIO, ENOSPC, EINTR);
    std::uint64_t nth = 1;
    for (bool reached = true; reached; ++nth) {
        SimDisk disk;
        disk.set_fault({.nth = nth, .error = error});
        std::uint64_t failed = 0;
        const auto count = [&](auto result) { failed += result < 0 && errno == error ? 1 : 0; };
        const int fd = disk.open("a", appending, 0640);
        count(fd);
        count(write(disk, fd, "text"));
        count(disk.sync(fd));
        count(disk.close(fd));
        reached = disk.fault_reached();
        CHECK(failed == (reached ? 1 : 0));
        CHECK(disk.open_descriptors() == 0);
    }
    CHECK(nth == 6);
}

TEST_CASE("a fault may be of one kind, last, or make a count short", "[sim_disk]")
{
    SimDisk disk;
    const int fd = open_file(disk, "a");
    disk.set_fault({.nth = 2, .call = Call::write, .error = 0});
    CHECK(write(disk, fd, "abcd") == 4);
    CHECK(disk.sync(fd) == 0);
    CHECK(write(disk, fd, "efghi") == 3);
    CHECK(write(disk, fd, "ij") == 2);
    disk.set_fault({.call = Call::write, .times = SimDisk::Fault::for_ever});
    CHECK(write(disk, fd, "x") == -1);
    CHECK(write(disk, fd, "x") == -1);
    disk.clear_fault();
    CHECK(disk.content("a") == "abcdefgij");
    CHECK(disk.calls(Call::write) == 5);
}

TEST_CASE("a full disk takes what fits", "[sim_disk]")
{
    SimDisk disk;
    disk.put("other", "1234");
    disk.set_capacity(10);
    const int fd = open_file(disk, "a");
    CHECK(write(disk, fd, "abcdefgh") == 6);
    CHECK(write(disk, fd, "gh") == -1);
    CHECK(errno == ENOSPC);
    CHECK(disk.remove("other") == 0);
    CHECK(write(disk, fd, "gh") == 2);
    CHECK(disk.content("a") == "abcdefgh");
}

TEST_CASE("a power cut leaves what was synced, and any part of the rest", "[sim_disk]")
{
    const std::string block(SimDisk::block_size, 'a');
    const auto left = left_by_power_cuts("a", [&block](SimDisk& disk) {
        disk.put("a", block + "b");
        const int fd = open_file(disk, "a");
        write(disk, fd, "c");
    });
    CHECK(left == std::set<std::string>{block + "b", block + "bc", block + std::string("b\0", 2)});

    const auto rewritten = left_by_power_cuts("a", [&block](SimDisk& disk) {
        disk.put("a", block + block);
        const int fd = open_file(disk, "a", O_RDWR);
        disk.write_at(fd, "x", 1, 0);
        disk.write_at(fd, "y", 1, SimDisk::block_size);
    });
    CHECK(rewritten.size() == 4);
}

TEST_CASE("what was cut off may be back after a power cut", "[sim_disk]")
{
    const auto left = left_by_power_cuts("a", [](SimDisk& disk) {
        disk.put("a", "abc");
        const int fd = open_file(disk, "a");
        disk.truncate(fd, 1);
        write(disk, fd, "x");
    });
    CHECK(left == std::set<std::string>{"abc", "ab", "ax", std::string("ax\0", 3)});
}

TEST_CASE("names survive by themselves", "[sim_disk]")
{
    const auto synced_file = left_by_power_cuts("d/a", [](SimDisk& disk) {
        const int fd = open_file(disk, "d/a");
        write(disk, fd, "text");
        disk.sync(fd);
    });
    CHECK(synced_file == std::set<std::string>{"-", "text"});

    const auto synced_name = left_by_power_cuts("d/a", [](SimDisk& disk) {
        write(disk, open_file(disk, "d/a"), "x");
        disk.sync_directory("d");
    });
    CHECK(synced_name == std::set<std::string>{"", "x", std::string("\0", 1)});

    const auto replaced = left_by_power_cuts("d/a", [](SimDisk& disk) {
        disk.put("d/a", "old");
        disk.put("d/b", "new");
        disk.rename("d/b", "d/a");
    });
    CHECK(replaced == std::set<std::string>{"old", "new"});

    // Nothing says that a name is given up before it is used again.
    const auto reused = left_by_power_cuts("d/a", [](SimDisk& disk) {
        disk.put("d/a", "old");
        disk.rename("d/a", "d/b");
        disk.sync(open_file(disk, "d/a"));
    });
    CHECK(reused == std::set<std::string>{"old", "", "-"});
}

TEST_CASE("after a sync that failed the next one syncs nothing", "[sim_disk]")
{
    const auto left = left_by_power_cuts("a", [](SimDisk& disk) {
        disk.put("a", "old");
        const int fd = open_file(disk, "a", O_RDWR);
        disk.write_at(fd, "new", 3, 0);
        disk.set_fault({.call = Call::sync});
        CHECK(disk.sync(fd) == -1);
        CHECK(disk.sync(fd) == 0);
        CHECK(disk.content("a") == "new");
    });
    CHECK(left == std::set<std::string>{"old"});

    const auto written_anew = left_by_power_cuts("a", [](SimDisk& disk) {
        disk.put("a", "old");
        const int fd = open_file(disk, "a", O_RDWR);
        disk.write_at(fd, "new", 3, 0);
        disk.set_fault({.call = Call::sync});
        CHECK(disk.sync(fd) == -1);
        disk.write_at(fd, "n", 1, 0);
        CHECK(disk.sync(fd) == 0);
    });
    CHECK(written_anew == std::set<std::string>{"new"});
}

TEST_CASE("a killed process leaves all that it did", "[sim_disk]")
{
    SimDisk disk;
    const int fd = open_file(disk, "a");
    write(disk, fd, "abc");
    disk.kill_at(2);
    CHECK(disk.sync(fd) == 0);
    CHECK(write(disk, fd, "defg") == 2);
    CHECK(disk.killed());
    CHECK(write(disk, fd, "x") == -1);
    CHECK(disk.rename("a", "b") == -1);
    disk.restart();
    CHECK(disk.open_descriptors() == 0);
    CHECK(disk.content("a") == "abcde");
    write(disk, open_file(disk, "a"), "f");
    CHECK(disk.content("a") == "abcdef");
}
