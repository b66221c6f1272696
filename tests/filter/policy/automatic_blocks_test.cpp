#include "filter/policy/automatic_blocks.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;
using namespace std::chrono_literals;
using event::Action;
using event::Record;
using event::RecordType;

namespace {

event::Time at(event::Milliseconds since)
{
    return event::Time(event::Milliseconds(1767225600000)) + since;
}

Record mail(const std::string& auth_id, event::Milliseconds since)
{
    Record record;
    record.auth_id = auth_id;
    record.client_address = "192.0.2.1";
    record.eom_time = at(since);
    return record;
}

Verdict beyond(event::Milliseconds block = 2h)
{
    return {.action = Action::reject, .reply = "550 no", .rule = "hourly", .finding = "hourly: 3 > 2", .block = block};
}

/// A list of blocks, and what makes them.
struct Blocks {
    /// What is decided is in force at once.
    std::optional<Record> decide(const Record& mail, const Verdict& verdict)
    {
        auto block = automatic.decide(mail, verdict);
        if (block)
            list.apply(*block);
        return block;
    }

    void unblock(const std::string& auth_id, event::Milliseconds since)
    {
        Record record = mail(auth_id, since);
        record.type = RecordType::unblock;
        record.until = record.eom_time + 24h;
        list.apply(record);
    }

    BlockList list;
    AutomaticBlocks automatic{list};
};

} // namespace

TEST_CASE("a verdict that asks for a block makes one, with the numbers", "[filter][policy]")
{
    Blocks blocks;
    const auto block = blocks.decide(mail("alice", 0h), beyond());
    REQUIRE(block);
    CHECK(block->type == RecordType::block);
    CHECK(block->until == at(2h));
    CHECK(block->rule == "hourly");
    CHECK(block->reason == "hourly: 3 > 2; last from 192.0.2.1");
    CHECK(blocks.list.find("alice", at(2h - 1ms)));
    CHECK_FALSE(blocks.decide(mail("alice", 1h), beyond()));
    CHECK_FALSE(blocks.decide(mail("bob", 1h), beyond(0h)));
    CHECK_FALSE(blocks.decide(mail("", 1h), beyond()));
}

TEST_CASE("each block of an account is twice as long as the last, up to a bound", "[filter][policy]")
{
    Blocks blocks;
    blocks.automatic.set({.never = {}, .longest = 12h});
    event::Milliseconds now = 0h;
    for (const event::Milliseconds expected : {2h, 4h, 8h, 12h, 12h}) {
        const auto block = blocks.decide(mail("alice", now), beyond());
        REQUIRE(block);
        CHECK(block->until - block->eom_time == expected);
        now += expected;
        if (expected == 4h)
            blocks.unblock("alice", now);
    }
    CHECK(blocks.list.repeats("alice", at(now)) == 5);
    // A month later nobody remembers.
    CHECK(blocks.decide(mail("alice", now + 24h * 32), beyond())->until == at(now + 24h * 32 + 2h));
}

TEST_CASE("an administrator's blocks make those of rules no longer", "[filter][policy]")
{
    Blocks blocks;
    Record order = mail("alice", 0h);
    order.type = RecordType::block;
    order.rule = by_administrator;
    order.until = at(1h);
    blocks.list.apply(order);
    CHECK(blocks.list.repeats("alice", at(0h)) == 0);
    CHECK(blocks.list.automatic_since(at(0h), at(1h)) == 0);
}

TEST_CASE("some accounts are never blocked", "[filter][policy]")
{
    Blocks blocks;
    blocks.automatic.set({.never = {"boss@example.com"}});
    CHECK_FALSE(blocks.decide(mail("boss@example.com", 0h), beyond()));
    CHECK(blocks.decide(mail("alice", 0h), beyond()));
}

TEST_CASE("beyond so many blocks an hour there are only warnings, one an account and hour", "[filter][policy]")
{
    Blocks blocks;
    blocks.automatic.set({.never = {}, .max_per_hour = 2});
    CHECK(blocks.decide(mail("a", 0min), beyond()));
    CHECK(blocks.decide(mail("b", 1min), beyond()));
    const auto warning = blocks.decide(mail("c", 2min), beyond());
    REQUIRE(warning);
    CHECK(warning->until == event::Time{});
    CHECK(warning->reason.ends_with("; not blocked: there were 2 automatic blocks in the last hour (max_per_hour)"));
    CHECK_FALSE(blocks.list.find("c", at(2min)));
    CHECK_FALSE(blocks.decide(mail("c", 3min), beyond()));
    CHECK(blocks.decide(mail("d", 3min), beyond())->until == event::Time{});
    // The first is an hour old.
    CHECK(blocks.decide(mail("e", 60min + 1ms), beyond())->until != event::Time{});
    CHECK_FALSE(blocks.decide(mail("c", 60min + 1ms), beyond()));
    // Somebody who lifts a block has looked.
    blocks.unblock("b", 60min);
    CHECK(blocks.decide(mail("c", 62min), beyond())->until != event::Time{});
}

TEST_CASE("a clock that ran ahead closes the way to no block", "[filter][policy]")
{
    Blocks blocks;
    blocks.automatic.set({.never = {}, .max_per_hour = 1});
    CHECK(blocks.decide(mail("a", 24h * 365), beyond()));
    CHECK(blocks.decide(mail("b", 24h * 365), beyond())->until == event::Time{});
    CHECK(blocks.decide(mail("b", 0h), beyond())->until != event::Time{});
}

TEST_CASE("how often an account was blocked is kept in the file", "[filter][policy]")
{
    Blocks blocks;
    blocks.decide(mail("alice", 0h), beyond());
    blocks.decide(mail("alice", 2h), beyond());
    BlockList read;
    CHECK(read.from_text(blocks.list.to_text()).empty());
    CHECK(read.repeats("alice", at(2h)) == 2);
    CHECK(read.automatic_since(at(2h), at(2h)) == 1);
    CHECK(read.from_text("auth_id:a\tautomatic:x\n").size() == 1);
}
