#include "filter/block_store.hpp"

#include <unistd.h>

#include <limits>

#include <catch2/catch.hpp>

#include "common/read_file.hpp"
#include "common/replace_file.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::run_until;

namespace {

constexpr auto all = std::numeric_limits<std::uint64_t>::max();

event::Time at(event::Milliseconds since)
{
    return event::Time(event::Milliseconds(1767225600000)) + since;
}

event::Record block(const std::string& auth_id)
{
    event::Record record;
    record.type = event::RecordType::block;
    record.auth_id = auth_id;
    record.eom_time = at(0h);
    record.until = at(1h);
    return record;
}

struct Fixture {
    asio::io_context io{1};
    Background background{io};
    test::TempDirectory directory;
    std::string path = directory / "blocks.ltsv";
};

} // namespace

TEST_CASE("a block is in force at once, then saved, then told", "[block_store]")
{
    Fixture t;
    BlockStore store(t.io, t.background, system_disk(), t.path);
    store.start(0);
    CHECK(store.passed() == all);
    int saved = 0;
    const auto count = [&](const std::optional<std::string>& error) {
        CHECK_FALSE(error);
        ++saved;
    };
    store.change(7, block("alice"), count);
    store.change(9, block("bob"), count);
    CHECK(store.list().find("bob", at(0h)));
    CHECK(store.passed() < 7);
    CHECK(saved == 0);
    REQUIRE(run_until(t.io, [&] { return saved == 2; }));
    CHECK(store.passed() == all);

    BlockStore next(t.io, t.background, system_disk(), t.path);
    next.recover(9, block("of no use: known"));
    CHECK(next.list().size() == 2);
    CHECK(next.passed() == all);
    next.recover(10, block("carol")); // a kill came before it was saved
    CHECK(next.passed() == 9);
    next.start(10);
    REQUIRE(run_until(t.io, [&] { return next.passed() == all; }));
    CHECK(BlockStore(t.io, t.background, system_disk(), t.path).list().size() == 3);
}

TEST_CASE("what cannot be saved is in force, told as that, and kept in the journal", "[block_store]")
{
    Fixture t;
    BlockStore store(t.io, t.background, system_disk(), t.directory / "missing/blocks.ltsv");
    std::optional<std::string> told;
    store.change(7, block("alice"), [&](const std::optional<std::string>& error) { told = error; });
    REQUIRE(run_until(t.io, [&] { return told.has_value(); }));
    CHECK(told->find("missing/blocks.ltsv.new: cannot open") != std::string::npos);
    CHECK(store.list().find("alice", at(0h)));
    CHECK(store.passed() < 7);
}

TEST_CASE("a file that cannot be read keeps the filter from starting, and is left as it is", "[block_store]")
{
    Fixture t;
    REQUIRE(::symlink("elsewhere", t.path.c_str()) == 0);
    CHECK_THROWS_WITH(BlockStore(t.io, t.background, system_disk(), t.path),
                      Catch::Matchers::Contains("to start with nobody blocked, move it away"));
}

TEST_CASE("bad lines are left out, and a copy is kept", "[block_store]")
{
    Fixture t;
    const std::string text = "position:4\nauth_id:alice\tuntil:1767229200000\nwhatever\n";
    REQUIRE_FALSE(replace_file(system_disk(), t.path, text, 0600));
    BlockStore store(t.io, t.background, system_disk(), t.path);
    CHECK(store.list().size() == 1);
    CHECK(read_file(t.path + ".damaged", 1000, SymbolicLink::refuse).text == text);
}

TEST_CASE("numbers that the journal lost are told from those that it gives anew", "[block_store]")
{
    Fixture t;
    REQUIRE_FALSE(replace_file(system_disk(), t.path, "position:1000\n", 0600));
    BlockStore store(t.io, t.background, system_disk(), t.path);
    store.start(4);
    CHECK(store.passed() < 4);
    REQUIRE(run_until(t.io, [&] { return store.passed() == all; }));
    BlockStore next(t.io, t.background, system_disk(), t.path);
    next.recover(5, block("alice"));
    CHECK(next.list().size() == 1);
}
