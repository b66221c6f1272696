#include "filter/policy/account_state.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;
using namespace std::chrono_literals;
using event::Action;
using event::Record;
using event::RecordType;

namespace {

constexpr event::Milliseconds hour = 1h;

event::Time at(event::Milliseconds since)
{
    return event::Time(event::Milliseconds(1767225600000)) + since;
}

AccountState::Settings settings(std::uint64_t max_bytes = 1 << 20)
{
    return {.keep = {hour, hour, hour}, .max_bytes = max_bytes};
}

Record mail(const std::string& auth_id, event::Milliseconds since, Action action = Action::accept)
{
    Record record;
    record.auth_id = auth_id;
    record.sender = "someone@example.org";
    record.recipients.append("r@example.net");
    record.action = action;
    record.eom_time = at(since);
    return record;
}

std::uint64_t messages(AccountState& state, Scope scope, std::string_view name, event::Milliseconds now)
{
    const AccountPast* account = state.find(scope, name, at(now));
    return account ? account->charges.sum(at(now), hour).messages : 0;
}

} // namespace

TEST_CASE("a record is charged to account, domain and sender", "[filter][policy]")
{
    AccountState state;
    state.set(settings());
    state.apply(mail("a@example.com", 0ms));
    state.apply(mail("b@example.com", 1ms));
    CHECK(messages(state, Scope::auth_id, "a@example.com", 2ms) == 1);
    CHECK(messages(state, Scope::domain, "example.com", 2ms) == 2);
    CHECK(messages(state, Scope::sender, "someone@example.org", 2ms) == 2);
    CHECK(messages(state, Scope::sender, "a@example.com", 2ms) == 0);
    CHECK(state.figures().accounts == 4);
}

TEST_CASE("what nobody asks for is not kept", "[filter][policy]")
{
    AccountState state;
    state.set({.keep = {hour, 0ms, 0ms}, .max_bytes = 1 << 20});
    state.apply(mail("a@example.com", 0ms));
    CHECK(state.figures().accounts == 1);
}

TEST_CASE("only mail that passed or was held is charged", "[filter][policy]")
{
    AccountState state;
    state.set(settings());
    for (const Action action : {Action::reject, Action::tempfail, Action::discard})
        state.apply(mail("a", 0ms, action));
    Record refusal = mail("a", 0ms);
    refusal.type = RecordType::refusal;
    state.apply(refusal);
    CHECK(messages(state, Scope::auth_id, "a", 0ms) == 0);
    CHECK(state.figures().accounts == 0);
    for (const Action action : {Action::accept, Action::warn, Action::hold})
        state.apply(mail("a", 0ms, action));
    CHECK(messages(state, Scope::auth_id, "a", 0ms) == 3);
}

TEST_CASE("what the MTA refused counts, whatever became of the message", "[filter][policy]")
{
    AccountState state;
    state.set(settings());
    Record record = mail("a", 0ms, Action::reject);
    record.rcpt_refused = 3;
    state.apply(record);
    record.type = RecordType::attempt;
    state.apply(record);
    record.type = RecordType::refusal; // its message goes on
    state.apply(record);
    const Charge charged = state.find(Scope::auth_id, "a", at(1ms))->charges.sum(at(1ms), hour);
    CHECK(charged == Charge{.rejected_recipients = 6});
    CHECK(state.find(Scope::auth_id, "a", at(1ms))->networks.size() == 0);
}

TEST_CASE("a charge is taken back", "[filter][policy]")
{
    AccountState state;
    state.set(settings());
    state.apply(mail("a", 0ms));
    state.apply(mail("a", 5ms));
    state.take_back(mail("a", 0ms));
    CHECK(messages(state, Scope::auth_id, "a", 10ms) == 1);
    CHECK(messages(state, Scope::sender, "someone@example.org", 10ms) == 1);
    state.take_back(mail("nobody", 0ms));
}

TEST_CASE("what is past is forgotten without being evicted", "[filter][policy]")
{
    AccountState state;
    state.set({.keep = {hour, 0ms, 0ms}, .max_bytes = 1 << 20});
    for (int n = 0; n < 100; ++n)
        state.apply(mail("a" + std::to_string(n), 0ms));
    for (int n = 0; n < 40; ++n)
        state.apply(mail("b", hour + 1ms));
    CHECK(state.figures().accounts == 1);
    CHECK(state.figures().evicted == 0);
}

TEST_CASE("memory is bounded: the least recently charged go first, and are counted", "[filter][policy]")
{
    AccountState state;
    state.set({.keep = {hour, 0ms, 0ms}, .max_bytes = 100000});
    for (int n = 0; n < 2000; ++n) {
        state.apply(mail("a" + std::to_string(n), 0ms));
        state.apply(mail("always", 0ms));
    }
    const auto figures = state.figures();
    CHECK(figures.bytes <= 100000);
    CHECK(figures.accounts + figures.evicted == 2001);
    CHECK(messages(state, Scope::auth_id, "always", 0ms) == 2000);
    CHECK(messages(state, Scope::auth_id, "a1999", 0ms) == 1);
    CHECK(state.find(Scope::auth_id, "a0", at(0ms)) == nullptr);
}

TEST_CASE("a flood of senders makes no account be forgotten", "[filter][policy]")
{
    AccountState::Settings asked = settings(100000);
    asked.unauthenticated_senders = true;
    AccountState state(asked);
    state.apply(mail("a", 0ms));
    for (int n = 0; n < 2000; ++n) {
        Record record = mail("", 1ms);
        record.sender = std::to_string(n) + "@example.org";
        state.apply(record);
    }
    CHECK(state.figures().evicted > 1000);
    CHECK(messages(state, Scope::auth_id, "a", 1ms) == 1);
}

TEST_CASE("senders of mail without an account are kept where somebody asks for them", "[filter][policy]")
{
    AccountState state;
    AccountState::Settings asked = settings();
    asked.unauthenticated_senders = GENERATE(false, true);
    state.set(asked);
    state.apply(mail("", 0ms));
    CHECK(messages(state, Scope::sender, "someone@example.org", 0ms) == (asked.unauthenticated_senders ? 1 : 0));
}

TEST_CASE("a clock that is set back frees nobody and holds nobody longer", "[filter][policy]")
{
    AccountState state;
    state.set(settings());
    state.apply(mail("a", 2h));
    CHECK(messages(state, Scope::auth_id, "a", 0ms) == 1);
    CHECK(messages(state, Scope::auth_id, "a", hour - 1ms) == 1);
    CHECK(messages(state, Scope::auth_id, "a", hour) == 0);
}
