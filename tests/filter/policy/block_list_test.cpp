#include "filter/policy/block_list.hpp"

#include <catch2/catch.hpp>

#include "filter/policy/block_check.hpp"
#include "filter/policy/limit_check.hpp"

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

Record change(RecordType type, const std::string& auth_id, event::Milliseconds from, event::Milliseconds time)
{
    Record record;
    record.type = type;
    record.auth_id = auth_id;
    record.eom_time = at(from);
    record.until = at(from + time);
    record.rule = "admin";
    record.reason = "a\treason";
    return record;
}

Record mail(const std::string& auth_id, event::Milliseconds since)
{
    Record record;
    record.auth_id = auth_id;
    record.eom_time = at(since);
    return record;
}

} // namespace

TEST_CASE("a block lasts until its end, and as long as nobody ends it", "[filter][policy]")
{
    BlockList blocks;
    blocks.apply(change(RecordType::block, "alice", 0h, 2h));
    REQUIRE(blocks.find("alice", at(0h)));
    CHECK(blocks.find("alice", at(0h))->reason == "a\treason");
    CHECK(blocks.find("alice", at(2h - 1ms)));
    CHECK_FALSE(blocks.find("alice", at(2h)));
    CHECK_FALSE(blocks.find("bob", at(0h)));

    blocks.apply(change(RecordType::unblock, "alice", 1h, 24h));
    CHECK_FALSE(blocks.find("alice", at(1h)));
    CHECK(blocks.probation("alice", at(25h - 1ms)));
    CHECK_FALSE(blocks.probation("alice", at(25h)));

    blocks.apply(change(RecordType::block, "alice", 2h, 1h));
    CHECK(blocks.find("alice", at(2h)));
    CHECK_FALSE(blocks.probation("alice", at(2h)));
}

TEST_CASE("what is over is forgotten a month later", "[filter][policy]")
{
    constexpr event::Milliseconds month = 24h * 31;
    BlockList blocks;
    blocks.apply(change(RecordType::block, "alice", 0h, 2h));
    blocks.apply(change(RecordType::unblock, "bob", 0h, 1h));
    blocks.apply(mail("carol", 0h));
    blocks.forget_past(at(month + 1h - 1ms));
    CHECK(blocks.size() == 2);
    blocks.forget_past(at(month + 1h));
    CHECK(blocks.size() == 1);
    blocks.forget_past(at(month + 2h));
    CHECK(blocks.size() == 0);
}

TEST_CASE("blocks read as they were written; bad lines are named and left out", "[filter][policy]")
{
    BlockList blocks;
    blocks.apply(change(RecordType::block, "al\tice", 0h, 2h));
    blocks.apply(change(RecordType::unblock, "bob", 0h, 1h));
    BlockList read;
    CHECK(read.from_text(blocks.to_text()).empty());
    CHECK(read.to_text() == blocks.to_text());
    CHECK(read.find("al\tice", at(1h))->from == at(0h));
    CHECK(read.probation("bob", at(0h)));

    const auto errors = read.from_text("auth_id:a\tuntil:soon\nuntil:5\nno field\nauth_id:b\tprobation:1767225600001");
    CHECK(errors == std::vector<std::string>{"line 1: until: expected milliseconds since 1970", "line 2: no auth_id",
                                             errors.at(2)});
    CHECK(errors[2].starts_with("line 3: "));
    CHECK(read.size() == 1);
    CHECK(read.probation("b", at(0h)));
}

TEST_CASE("a blocked account is refused at each command that gets an answer", "[filter][policy]")
{
    BlockList blocks;
    const BlockCheck check(blocks, "550 5.7.1 Blocked");
    CHECK(check.at_mail(mail("alice", 0h)).passes());
    blocks.apply(change(RecordType::block, "alice", 0h, 2h));
    for (const Verdict& verdict : {check.at_mail(mail("alice", 1h)), check.at_recipient(mail("alice", 1h), "r@x"),
                                   check.at_end_of_message(mail("alice", 1h))}) {
        CHECK(verdict.action == Action::reject);
        CHECK(verdict.reply == "550 5.7.1 Blocked");
        CHECK(verdict.rule == "block");
    }
    CHECK(check.at_mail(mail("alice", 2h)).passes());
    CHECK(check.at_mail(mail("bob", 1h)).passes());
    CHECK(check.at_mail(mail("", 1h)).passes());
}

TEST_CASE("an unblocked account begins anew, with less than usual", "[filter][policy]")
{
    BlockList blocks;
    AccountState state;
    state.set({.keep = {24h, 24h, 24h}, .max_bytes = 1 << 20});
    LimitRule rule{.name = "r", .measure = Measure::messages, .limit = 8, .window = 1h};
    const LimitCheck check(rule, state, {.blocks = &blocks, .probation_percent = 25});
    const auto passing = [&](event::Milliseconds since) {
        int passed = 0;
        for (int n = 0; n < 20; ++n) {
            Record record = mail("alice", since);
            record.action = check.at_end_of_message(record).action;
            state.apply(record);
            passed += event::passed(record) ? 1 : 0;
        }
        return passed;
    };
    CHECK(passing(0h) == 8);
    for (const Record& record :
         {change(RecordType::block, "alice", 1min, 2h), change(RecordType::unblock, "alice", 2min, 24h)}) {
        blocks.apply(record);
        state.apply(record);
    }
    CHECK(passing(3min) == 2);
    CHECK(passing(23h) == 2);
    CHECK(passing(25h) == 8);
}
