#include "filter/policy/risk_state.hpp"

#include <catch2/catch.hpp>

#include "tests/support/risk_site.hpp"

using namespace smtpauth;
using namespace smtpauth::test;
using namespace std::chrono_literals;

namespace {

const RiskFrom abroad{"198.51.100.9", "BR", 64600};

event::Record mail_of(const std::string& auth_id, int number)
{
    return RiskSite::mail(risk_monday + 1h * number, home, {RiskSite::acquaintance(number)}, auth_id);
}

std::string saved(const RiskState& state)
{
    std::string bytes;
    for (std::size_t shard = 0; shard < RiskState::shard_count; ++shard)
        state.save(shard, bytes);
    return bytes;
}

} // namespace

TEST_CASE("an account's habits fit into a KiB, and a million of them into a GiB, all told", "[filter][risk]")
{
    CHECK(sizeof(RiskAccount) <= 1024);
    CHECK(1'000'000 * RiskState::size_bytes("firstname.lastname@mail.example.org") <= std::uint64_t{1} << 30);
}

TEST_CASE("only mail that passed is learned from", "[filter][risk]")
{
    RiskState state;
    event::Record refused = mail_of("alice", 0);
    refused.action = event::Action::reject;
    state.apply(refused);
    event::Record held = mail_of("alice", 1);
    held.action = event::Action::hold;
    state.apply(held);
    state.apply(mail_of("", 2));
    CHECK(state.figures().accounts == 0);
    state.apply(mail_of("alice", 3));
    CHECK(state.figures().accounts == 1);
}

TEST_CASE("an unblock makes forgotten what was spent, not what was learned", "[filter][risk]")
{
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    site.leaked(now, abroad, 100);
    REQUIRE_FALSE(site.send(now + 1min, abroad, {site.stranger()}));
    event::Record unblock;
    unblock.type = event::RecordType::unblock;
    unblock.auth_id = "alice";
    unblock.eom_time = now + 2min;
    site.state.apply(unblock);
    CHECK(site.send(now + 3min, abroad, {site.stranger()}));
    CHECK(site.leaked(now + 4min, abroad, 100) <= 7);
    CHECK(site.state.usual_country("alice") == "JP");
}

TEST_CASE("a block pays for half of what mail from strange places has cost", "[filter][risk]")
{
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    site.leaked(now, abroad, 100);
    event::Record block;
    block.type = event::RecordType::block;
    block.auth_id = "alice";
    block.eom_time = now + 1min;
    block.until = now + 4h;
    const event::Record next = RiskSite::mail(now + 1min, abroad, {"nobody@example.com"});
    const float before = site.state.assess(next).spent_unvouched;
    site.state.apply(block);
    const RiskAssessment after = site.state.assess(next);
    CHECK(after.spent_unvouched - after.cost == Approx((before - after.cost) / 2));
    block.auth_id = "nobody";
    site.state.apply(block);
    CHECK(site.state.figures().accounts == 1);
}

TEST_CASE("who sent least recently is forgotten first, and counted", "[filter][risk]")
{
    RiskState state({.max_bytes = 3 * RiskState::size_bytes("a")});
    for (const char* auth_id : {"a", "b", "c", "a", "d"})
        state.apply(mail_of(auth_id, 1));
    CHECK(state.figures().accounts == 3);
    CHECK(state.figures().evicted == 1);
    CHECK(state.figures().bytes <= 3 * RiskState::size_bytes("a"));
    CHECK(state.usual_country("b").empty());
    CHECK(state.usual_country("a") == "JP");
}

TEST_CASE("a state that was saved and loaded goes on as the other", "[filter][risk]")
{
    RiskState state;
    for (int number = 0; number < 300; ++number)
        state.apply(mail_of("user" + std::to_string(number % 30), number));
    RiskState loaded;
    REQUIRE(loaded.load(saved(state)));
    loaded.put_in_order();
    CHECK(loaded.figures().accounts == 30);
    CHECK(loaded.figures().bytes == state.figures().bytes);

    for (int number = 300; number < 400; ++number) {
        const event::Record mail = mail_of("user" + std::to_string(number % 30), number);
        CHECK(loaded.assess(mail).cost == state.assess(mail).cost);
        state.apply(mail);
        loaded.apply(mail);
    }
    const event::Record last = mail_of("user3", 401);
    CHECK(loaded.assess(last).spent == state.assess(last).spent);
}

TEST_CASE("a shard that knows a record does not learn from it again", "[filter][risk]")
{
    RiskState state;
    RiskState::Positions known{};
    known.fill(5);
    state.replay(mail_of("alice", 1), 5, known);
    CHECK(state.figures().accounts == 0);
    state.replay(mail_of("alice", 1), 6, known);
    CHECK(state.figures().accounts == 1);
}

TEST_CASE("a damaged shard is told from a whole one", "[filter][risk]")
{
    RiskState state;
    state.apply(mail_of("alice", 1));
    std::string bytes = saved(state);
    bytes.pop_back();
    RiskState loaded;
    CHECK_FALSE(loaded.load(bytes));
    CHECK(loaded.figures().accounts == 0);
}
