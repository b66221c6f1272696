#include "filter/account_store.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/support/run_until.hpp"
#include "tests/support/sim_disk.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::run_for;
using test::run_until;
using test::SimDisk;

namespace {

constexpr auto path = "d/accounts";
constexpr AccountState::Settings settings{.keep = {1h, 1h, 1h}, .max_bytes = 1 << 24};

event::Record mail(std::uint64_t number)
{
    event::Record record;
    record.auth_id = "user" + std::to_string(number);
    record.recipients.append("r@example.net");
    record.eom_time = event::Time(event::Milliseconds(1767225600000 + number));
    return record;
}

struct Fixture {
    Fixture() { state.set(settings); }

    void apply(std::uint64_t count)
    {
        while (count-- != 0)
            state.apply(mail(++last));
    }

    /// What another start would know.
    std::size_t saved_accounts(AccountState::Positions* positions = nullptr)
    {
        AccountState loaded;
        loaded.set(settings);
        const auto found = load_accounts(disk, path, loaded);
        if (positions)
            *positions = found;
        return loaded.figures().accounts;
    }

    asio::io_context io{1};
    Background background{io};
    ManualClock clock;
    SimDisk disk;
    AccountState state;
    std::uint64_t last = 0;
    AccountStore store{io, background, clock, disk, path, state, {.records = 1000, .time = 5min}};
};

} // namespace

TEST_CASE("the accounts are saved after so many records, or after so much time", "[account_store]")
{
    Fixture t;
    t.store.start([&] { return t.last; });
    CHECK(t.store.passed() == 0);
    t.apply(10);
    t.clock.advance(10s);
    run_for(t.io, 1100ms);
    CHECK(t.store.passed() == 0);

    SECTION("records")
    {
        t.apply(990);
        REQUIRE(run_until(t.io, [&] { return t.store.passed() == 1000; }));
        AccountState::Positions positions;
        CHECK(t.saved_accounts(&positions) == 1000);
        CHECK(std::all_of(positions.begin(), positions.end(), [](std::uint64_t at) { return at == 1000; }));
    }
    SECTION("time")
    {
        t.clock.advance(5min);
        REQUIRE(run_until(t.io, [&] { return t.store.passed() == 10; }));
        CHECK(t.saved_accounts() == 10);
    }
}

TEST_CASE("what comes while the accounts are saved is in the saved ones or behind their positions", "[account_store]")
{
    Fixture t;
    t.store.start([&] { return t.last; });
    t.apply(500);
    t.store.save();
    while (t.store.passed() == 0) {
        t.io.restart();
        t.io.run_one_for(5ms);
        t.apply(1);
    }
    CHECK(t.store.passed() == 500);
    AccountState loaded;
    loaded.set(settings);
    AccountStore next(t.io, t.background, t.clock, t.disk, path, loaded, {});
    CHECK(next.passed() >= 500);
    for (std::uint64_t number = next.passed() + 1; number <= t.last; ++number)
        next.recover(number, mail(number));
    CHECK(loaded.figures().accounts == t.last);
}

TEST_CASE("a disk that refuses keeps the old state, and the journal its records", "[account_store]")
{
    Fixture t;
    t.store.start([&] { return t.last; });
    t.apply(10);
    t.store.save();
    REQUIRE(run_until(t.io, [&] { return t.store.passed() == 10; }));
    for (std::uint64_t nth = 1; nth <= 260; nth += 37) {
        t.apply(1);
        t.disk.set_fault({.nth = nth, .error = ENOSPC, .times = SimDisk::Fault::for_ever});
        t.store.save();
        REQUIRE(run_until(t.io, [&] { return t.disk.fault_reached(); }));
        run_for(t.io, 20ms);
        t.disk.clear_fault();
        CHECK(t.store.passed() == 10);
        CHECK(t.saved_accounts() == 10);
    }
    t.store.save();
    REQUIRE(run_until(t.io, [&] { return t.store.passed() == t.last; }));
    CHECK(t.saved_accounts() == t.last);
}

TEST_CASE("a damaged shard is left out, the others are kept", "[account_store]")
{
    Fixture t;
    t.store.start([&] { return t.last; });
    t.apply(2000);
    t.store.save();
    REQUIRE(run_until(t.io, [&] { return t.store.passed() == 2000; }));
    std::string bytes = t.disk.content(path).value();
    const std::size_t accounts = t.saved_accounts();

    SECTION("a flipped bit")
    {
        bytes[bytes.size() / 2] ^= 4;
        t.disk.put(path, bytes);
        AccountState::Positions positions;
        CHECK(t.saved_accounts(&positions) < accounts);
        CHECK(t.saved_accounts() > accounts * 9 / 10);
        CHECK(std::count(positions.begin(), positions.end(), 0) == 1);
    }
    SECTION("cut")
    {
        t.disk.put(path, bytes.substr(0, bytes.size() / 2));
        CHECK(t.saved_accounts() > accounts / 3);
        CHECK(t.saved_accounts() < accounts * 2 / 3);
    }
    SECTION("another file")
    {
        t.disk.put(path, "something else, of any size");
        CHECK(t.saved_accounts() == 0);
    }
}

TEST_CASE("where the journal is another one than the accounts knew, they are saved at once", "[account_store]")
{
    Fixture t;
    t.store.start([&] { return t.last; });
    t.apply(10);
    t.store.save();
    REQUIRE(run_until(t.io, [&] { return t.store.passed() == 10; }));
    AccountState loaded;
    loaded.set(settings);
    AccountStore next(t.io, t.background, t.clock, t.disk, path, loaded, {});
    next.start([] { return std::uint64_t{3}; });
    CHECK(next.passed() == 3);
    CHECK(t.saved_accounts() == 10);
}

TEST_CASE("what a start finds in the journal is saved at once where it is much", "[account_store]")
{
    Fixture t;
    t.apply(1000);
    t.store.start([&] { return t.last; });
    CHECK(t.store.passed() == 1000);
    CHECK(t.saved_accounts() == 1000);
}
