#include "common/watched_id_list.hpp"

#include <sys/resource.h>

#include <filesystem>
#include <memory>

#include <catch2/catch.hpp>

#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// The rules of time are reload_schedule_test.cpp's; here the clock moves by hand, so that a slow machine
/// cannot make a second pass.
struct Watched {
    test::TempDirectory directory;
    ManualClock clock;
    asio::io_context io;
    Background background{io};
    std::string path = directory / "ids";

    WatchedIdList open(std::string_view text)
    {
        directory.write("ids", text);
        return {io, background, path, {}, clock};
    }

    /// @return  whether the list holds that id in the end, with as much time as it takes.
    bool comes_to_hold(const WatchedIdList& list, const char* id)
    {
        return test::run_until(io, [&] {
            clock.advance(10ms);
            return list.current()->contains(id);
        });
    }
};

std::string many(int ids)
{
    std::string text;
    for (int i = 0; i < ids; ++i)
        text += "user" + std::to_string(i) + '\n';
    return text;
}

} // namespace

TEST_CASE("a list is there from the start", "[common][watched_id_list]")
{
    Watched watched;
    const WatchedIdList list = watched.open("Spammer\n");
    CHECK(list.current()->contains("spammer"));
}

TEST_CASE("an edited list comes into use, however it was edited", "[common][watched_id_list]")
{
    Watched watched;
    const WatchedIdList list = watched.open("one\ntwo\n");
    SECTION("rename")
    {
        watched.directory.write("ids.new", "one\nthree\n");
        fs::rename(watched.directory / "ids.new", watched.path);
    }
    SECTION("in-place rewrite")
    {
        watched.directory.write("ids", "one\nthree\n");
    }
    SECTION("append")
    {
        std::ofstream(watched.path, std::ios::app) << "three\n";
    }
    CHECK(watched.comes_to_hold(list, "three"));
}

TEST_CASE("a list that is appended to comes into use while its writer has it open", "[common][watched_id_list]")
{
    Watched watched;
    const WatchedIdList list = watched.open("one\n");
    std::ofstream file(watched.path, std::ios::app);
    file << "two\n" << std::flush;
    CHECK(watched.comes_to_hold(list, "two"));
}

TEST_CASE("a snapshot that somebody holds does not change", "[common][watched_id_list]")
{
    Watched watched;
    const WatchedIdList list = watched.open("one\n");
    const auto before = list.current();
    watched.directory.write("ids", "two\n");
    CHECK(watched.comes_to_hold(list, "two"));
    CHECK(before->contains("one"));
    CHECK_FALSE(before->contains("two"));
}

TEST_CASE("a list that is rewritten in place never lets everybody pass", "[common][watched_id_list]")
{
    Watched watched;
    const WatchedIdList list = watched.open(many(1000));
    std::ofstream file(watched.path, std::ios::trunc);
    // Longer than any settling time but the quiet second, in steps shorter than that.
    for (int step = 0; step < 4; ++step) {
        file << "line" << step << '\n' << std::flush;
        test::run_for(watched.io, 50ms); // the change is seen
        watched.clock.advance(900ms);
        test::run_for(watched.io, 350ms); // the timer that was set then has fired
        REQUIRE(list.current()->contains("user7"));
    }
    file << many(1000) << "new\n";
    file.close();
    CHECK(watched.comes_to_hold(list, "new"));
    CHECK(list.current()->contains("user7"));
}

TEST_CASE("a list that was emptied is empty after a second of quiet", "[common][watched_id_list]")
{
    Watched watched;
    const WatchedIdList list = watched.open(many(10));
    watched.directory.write("ids", "");
    test::run_for(watched.io, 50ms);
    watched.clock.advance(900ms);
    test::run_for(watched.io, 350ms);
    CHECK(list.current()->size() == 10);
    watched.clock.advance(100ms);
    CHECK(test::run_until(watched.io, [&] { return list.current()->empty(); }));
}

TEST_CASE("a list that vanished or cannot be read stays in use", "[common][watched_id_list]")
{
    Watched watched;
    const WatchedIdList list = watched.open("one\n");
    SECTION("removed")
    {
        fs::remove(watched.path);
    }
    SECTION("another kind of file")
    {
        fs::remove(watched.path);
        fs::create_directory(watched.path);
    }
    SECTION("a symbolic link")
    {
        watched.directory.write("elsewhere", "two\n");
        fs::create_symlink("elsewhere", watched.directory / "ids.new");
        fs::rename(watched.directory / "ids.new", watched.path);
    }
    test::run_for(watched.io, 500ms);
    CHECK(list.current()->contains("one"));

    fs::remove_all(watched.path);
    watched.directory.write("ids", "back\n");
    CHECK(watched.comes_to_hold(list, "back"));
}

TEST_CASE("a list that is missing at the start is empty until it comes", "[common][watched_id_list]")
{
    Watched watched;
    const WatchedIdList list(watched.io, watched.background, watched.path, {}, watched.clock);
    CHECK(list.current()->empty());
    watched.directory.write("ids", "one\n");
    CHECK(watched.comes_to_hold(list, "one"));
}

TEST_CASE("a list above the limit is refused, and the old one stays", "[common][watched_id_list]")
{
    Watched watched;
    watched.directory.write("ids", "one\n");
    const WatchedIdList list(watched.io, watched.background, watched.path, {}, watched.clock, nullptr, 100);
    watched.directory.write("ids", "two\n" + std::string(100, 'x'));
    test::run_for(watched.io, 500ms);
    CHECK(list.current()->contains("one"));
}

TEST_CASE("a file that is no text is refused: it would list nobody", "[common][watched_id_list]")
{
    Watched watched;
    const WatchedIdList list = watched.open("one\n");
    const std::string text =
        GENERATE(std::string("\xff\xfeo\0n\0e\0", 8), std::string("\xfe\xff\0o\0n\0e", 8), std::string(10, '\0'));
    watched.directory.write("ids", text);
    watched.clock.advance(2s);
    test::run_for(watched.io, 500ms);
    CHECK(list.current()->contains("one"));
}

TEST_CASE("a list that takes another's place begins with its ids, and keeps them until it can be read",
          "[common][watched_id_list]")
{
    Watched watched;
    const WatchedIdList before = watched.open("one\n");
    const WatchedIdList after(watched.io, watched.background, watched.directory / "elsewhere", {}, watched.clock,
                              before.current());
    CHECK(after.current()->contains("one"));
    watched.directory.write("elsewhere", "two\n");
    CHECK(watched.comes_to_hold(after, "two"));
    CHECK_FALSE(after.current()->contains("one"));
}

TEST_CASE("an edit that could not be read is tried again without another one", "[common][watched_id_list]")
{
    Watched watched;
    const WatchedIdList list = watched.open("one\n");
    watched.directory.write("ids", "one\ntwo\n");
    rlimit usual{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
    const rlimit none{0, usual.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    test::run_for(watched.io, 500ms);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
    CHECK_FALSE(list.current()->contains("two"));
    CHECK(watched.comes_to_hold(list, "two"));
}

TEST_CASE("asked to reload, a list is read without a change", "[common][watched_id_list]")
{
    Watched watched;
    WatchedIdList list = watched.open("one\n");
    watched.directory.write("ids", "two\n");
    list.reload();
    CHECK(test::run_until(watched.io, [&] { return list.current()->contains("two"); }));
}

TEST_CASE("asked to reload in the middle of a rewrite, a list keeps what it has", "[common][watched_id_list]")
{
    Watched watched;
    WatchedIdList list = watched.open(many(10));
    watched.directory.write("ids", "");
    list.reload();
    test::run_for(watched.io, 100ms);
    CHECK(list.current()->size() == 10);
}

TEST_CASE("a list may end while it waits to be read", "[common][watched_id_list]")
{
    Watched watched;
    {
        const WatchedIdList list = watched.open("one\n");
        watched.directory.write("ids", "");
        test::run_for(watched.io, 50ms);
    }
    test::run_for(watched.io, 20ms);
    CHECK(watched.io.stopped());
}
