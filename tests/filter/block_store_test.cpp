#include "filter/block_store.hpp"

#include <limits>

#include <catch2/catch.hpp>

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
    BlockStore store(t.background, system_disk(), t.path);
    store.start();
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

    BlockStore next(t.background, system_disk(), t.path);
    next.recover(9, block("of no use: known"));
    CHECK(next.list().size() == 2);
    CHECK(next.passed() == all);
    next.recover(10, block("carol")); // a kill came before it was saved
    CHECK(next.passed() == 9);
    next.start();
    REQUIRE(run_until(t.io, [&] { return next.passed() == all; }));
    CHECK(BlockStore(t.background, system_disk(), t.path).list().size() == 3);
}

TEST_CASE("what cannot be saved is in force, told as that, and kept in the journal", "[block_store]")
{
    Fixture t;
    BlockStore store(t.background, system_disk(), t.directory / "missing/blocks.ltsv");
    std::optional<std::string> told;
    store.change(7, block("alice"), [&](const std::optional<std::string>& error) { told = error; });
    REQUIRE(run_until(t.io, [&] { return told.has_value(); }));
    CHECK(told->find("missing/blocks.ltsv.new: cannot open") != std::string::npos);
    CHECK(store.list().find("alice", at(0h)));
    CHECK(store.passed() < 7);
}
