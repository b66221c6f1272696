#include "filter/policy/known_recipients.hpp"

#include <set>

#include <catch2/catch.hpp>

#include "filter/policy/account_state.hpp"
#include "filter/policy/limit_check.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using event::Record;
using event::RecordType;

namespace {

Record mail(const std::string& auth_id, std::initializer_list<std::string_view> recipients,
            event::Milliseconds since = {})
{
    Record record;
    record.auth_id = auth_id;
    record.eom_time = event::Time(event::Milliseconds(1767225600000)) + since;
    for (const std::string_view recipient : recipients)
        record.recipients.append(recipient);
    return record;
}

const LimitRule ten_new{.name = "new", .measure = Measure::new_recipients, .limit = 3, .window = 1h};

AccountState::Settings settings()
{
    return {.keep = longest_windows({ten_new}), .recipients = knows_recipients({ten_new}), .max_bytes = 1 << 20};
}

} // namespace

TEST_CASE("the hash of a recipient knows no case, and spreads", "[filter][policy]")
{
    CHECK(recipient_hash("Bob@Example.ORG") == recipient_hash("bob@example.org"));
    std::set<std::uint64_t> seen;
    for (int n = 0; n < 10000; ++n)
        seen.insert(recipient_hash(std::to_string(n) + "@example.org"));
    CHECK(seen.size() == 10000);
}

TEST_CASE("recipients are known from their first message on", "[filter][policy]")
{
    KnownRecipients known;
    CHECK(known.strangers_in(mail("a", {"b", "c", "B"})) == 2);
    CHECK(known.learn(mail("a", {"b", "c", "B"})) == 2);
    CHECK(known.learn(mail("a", {"c", "d"})) == 1);
    Record many = mail("a", {"d"});
    many.rcpt_unlisted = 7;
    CHECK(known.strangers_in(many) == 7);
}

TEST_CASE("of very many recipients the least recently used are forgotten", "[filter][policy]")
{
    KnownRecipients known;
    for (std::uint64_t n = 0; n < 10 * KnownRecipients::max_half; ++n) {
        known.add(recipient_hash(std::to_string(n)));
        known.add(recipient_hash("always"));
        CHECK(known.size() <= 2 * KnownRecipients::max_half);
    }
    CHECK(known.contains(recipient_hash("always")));
    CHECK(known.contains(recipient_hash(std::to_string(9 * KnownRecipients::max_half + 10))));
    CHECK_FALSE(known.contains(recipient_hash("0")));
}

TEST_CASE("a limit on new recipients lets an account write to those that it knows", "[filter][policy]")
{
    AccountState state(settings());
    const LimitCheck check(ten_new, state);
    const auto send = [&](const Record& record) {
        const bool passes = check.at_end_of_message(record).passes();
        if (passes)
            state.apply(record);
        return passes;
    };
    CHECK(send(mail("a", {"1", "2", "3"})));
    CHECK(send(mail("a", {"3", "2", "1", "1"})));
    CHECK_FALSE(send(mail("a", {"4", "1"})));
    CHECK(send(mail("b", {"4"})));
    CHECK(send(mail("a", {"4", "5", "6"}, 1h)));
    CHECK_FALSE(send(mail("a", {"7"}, 1h)));

    SECTION("after months of silence, too")
    {
        CHECK(send(mail("c", {"1", "2", "3", "4"}, 24h * 80)) == false);
        for (int n = 0; n < 10; ++n)
            CHECK(send(mail("d", {"1"}, 24h * 80)));
        CHECK(state.new_recipients(mail("a", {"1", "9"}, 24h * 80)) == 1);
    }
    SECTION("once it is let go again, too")
    {
        Record unblock = mail("a", {}, 1h);
        unblock.type = RecordType::unblock;
        state.apply(unblock);
        CHECK(send(mail("a", {"1", "7", "8", "9"}, 1h)));
        CHECK_FALSE(send(mail("a", {"10"}, 1h)));
    }
    SECTION("from what was saved")
    {
        AccountState loaded(settings());
        for (std::size_t shard = 0; shard < AccountState::shard_count; ++shard) {
            std::string bytes;
            state.save(shard, bytes);
            REQUIRE(loaded.load(bytes));
        }
        loaded.put_in_order();
        CHECK(loaded.new_recipients(mail("a", {"1", "4", "9"}, 1h)) == 1);
        CHECK_FALSE(LimitCheck(ten_new, loaded).at_end_of_message(mail("a", {"9"}, 1h)).passes());
    }
}

TEST_CASE("what is held teaches nothing: the next of its kind is held, too", "[filter][policy]")
{
    const Measure measure = GENERATE(Measure::new_recipients, Measure::networks);
    const LimitRule rule{.name = "odd", .measure = measure, .limit = 1, .window = 1h, .action = event::Action::hold};
    AccountState state({.keep = longest_windows({rule}), .recipients = true, .max_bytes = 1 << 20});
    const LimitCheck check(rule, state);
    Record usual = mail("a", {"friend"});
    usual.client_address = "192.0.2.1";
    state.apply(usual);
    for (const auto since : {1ms, 2ms, 3ms}) {
        Record odd = mail("a", {"1", "2", "3"}, since);
        odd.client_address = "198.51.100.1";
        odd.action = check.at_end_of_message(odd).action;
        CHECK(odd.action == event::Action::hold);
        state.apply(odd);
    }
    CHECK(check.at_end_of_message(usual).passes() == (measure == Measure::networks));
    usual.eom_time += 1h;
    CHECK(check.at_end_of_message(usual).passes());
}

TEST_CASE("a message that is taken back leaves its new recipients charged: whoever sends again counts none",
          "[filter][policy]")
{
    AccountState state(settings());
    state.apply(mail("a", {"1", "2"}));
    state.apply(mail("a", {"3"}, 1ms));
    state.take_back(mail("a", {"1", "2"}));
    const auto* past = state.find(Scope::auth_id, "a", mail("a", {}, 2ms).eom_time);
    REQUIRE(past);
    CHECK(past->charges.sum(mail("a", {}, 2ms).eom_time, 1h).new_recipients == 3);
    CHECK(state.new_recipients(mail("a", {"1", "2"}, 2ms)) == 0);
}
