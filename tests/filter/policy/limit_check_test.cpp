#include "filter/policy/limit_check.hpp"

#include <random>

#include <catch2/catch.hpp>

using namespace smtpauth;
using namespace std::chrono_literals;
using event::Action;
using event::Record;

namespace {

event::Time at(event::Milliseconds since)
{
    return event::Time(event::Milliseconds(1767225600000)) + since;
}

Record mail(const std::string& auth_id, int recipients, event::Milliseconds since = 0ms)
{
    Record record;
    record.auth_id = auth_id;
    record.sender = "Sender@Example.org";
    record.client_address = "192.0.2.1";
    for (int n = 0; n < recipients; ++n)
        record.recipients.append("r" + std::to_string(n) + "@example.net");
    record.eom_time = at(since);
    return record;
}

/// A rule, the state it asks, and mail that is charged where it passes: as a filter does it.
class Limited {
public:
    explicit Limited(const LimitRule& rule) : check_(rule, state_)
    {
        AccountState::Settings settings{.max_bytes = 1 << 20};
        settings.keep.fill(rule.window);
        state_.set(settings);
    }

    Verdict send(Record record)
    {
        Verdict verdict = check_.at_end_of_message(record);
        record.action = verdict.action;
        state_.apply(record);
        return verdict;
    }

    bool passes(Record record) { return send(std::move(record)).passes(); }

    const LimitCheck& check() const { return check_; }

private:
    AccountState state_;
    LimitCheck check_;
};

LimitRule hourly(std::uint64_t limit, Measure measure = Measure::recipients)
{
    return {.name = "hourly", .measure = measure, .limit = limit, .window = 1h};
}

} // namespace

TEST_CASE("a message is judged as a whole: it may fill the limit, not exceed it", "[filter][policy]")
{
    Limited limited(hourly(10));
    CHECK(limited.passes(mail("a", 8)));
    CHECK_FALSE(limited.passes(mail("a", 3)));
    CHECK(limited.passes(mail("a", 2)));
    CHECK_FALSE(limited.passes(mail("a", 1)));
    CHECK(limited.passes(mail("b", 10)));
    CHECK_FALSE(limited.passes(mail("c", 11)));
}

TEST_CASE("what was refused is not charged, and there is room again to the millisecond", "[filter][policy]")
{
    Limited limited(hourly(2));
    CHECK(limited.passes(mail("a", 1, 0ms)));
    CHECK(limited.passes(mail("a", 1, 10min)));
    for (int n = 0; n < 100; ++n)
        CHECK_FALSE(limited.passes(mail("a", 1, 20min)));
    CHECK_FALSE(limited.passes(mail("a", 1, 1h - 1ms)));
    CHECK(limited.passes(mail("a", 1, 1h)));
    CHECK_FALSE(limited.passes(mail("a", 1, 1h)));
}

TEST_CASE("the answer names rule, numbers and when to come again", "[filter][policy]")
{
    Limited limited(hourly(10));
    limited.send(mail("a", 9, 0ms));
    limited.send(mail("a", 1, 30min));
    const Verdict verdict = limited.send(mail("a", 2, 40min));
    CHECK(verdict.action == Action::tempfail);
    CHECK(verdict.rule == "hourly");
    CHECK(verdict.reply == "450 4.7.1 hourly: 12 recipients in 1h by this auth_id, at most 10; try again in 20m");
    CHECK(limited.send(mail("a", 11, 40min)).reply ==
          "450 4.7.1 hourly: 21 recipients in 1h by this auth_id, at most 10"); // at no time
}

TEST_CASE("each action has its answer", "[filter][policy]")
{
    LimitRule rule = hourly(0);
    rule.action = Action::reject;
    CHECK(Limited(rule).send(mail("a", 1)).reply.starts_with("550 5.7.1 hourly: 1 "));
    for (const Action action : {Action::hold, Action::warn}) {
        rule.action = action;
        const Verdict verdict = Limited(rule).send(mail("a", 1));
        CHECK(verdict.action == action);
        CHECK(verdict.reply == "hourly: 1 recipients in 1h by this auth_id, at most 0");
    }
}

TEST_CASE("mail that was held or warned of is charged", "[filter][policy]")
{
    LimitRule rule = hourly(5);
    rule.action = GENERATE(Action::hold, Action::warn);
    Limited limited(rule);
    limited.send(mail("a", 6));
    CHECK(limited.send(mail("a", 1)).reply.starts_with("hourly: 7 "));
}

TEST_CASE("every measure counts what it is called after", "[filter][policy]")
{
    const auto [measure, limit] = GENERATE(table<Measure, std::uint64_t>({{Measure::messages, 1},
                                                                          {Measure::recipients, 3},
                                                                          {Measure::bytes, 1000},
                                                                          {Measure::rejected_recipients, 2},
                                                                          {Measure::networks, 1}}));
    Limited limited(hourly(limit, measure));
    Record record = mail("a", 3);
    record.size_bytes = 1000;
    record.rcpt_refused = 2;
    CHECK(limited.passes(record));
    record.client_address = "2001:db8::1";
    CHECK(limited.send(record).reply.find(" " + std::string(to_text(measure)) + " ") != std::string::npos);
}

TEST_CASE("a network that was seen goes on where the next new one does not", "[filter][policy]")
{
    Limited limited(hourly(2, Measure::networks));
    const auto from = [](const char* address) {
        Record record = mail("a", 1);
        record.client_address = address;
        return record;
    };
    CHECK(limited.passes(from("192.0.2.1")));
    CHECK(limited.passes(from("192.0.2.200")));
    CHECK(limited.passes(from("198.51.100.1")));
    CHECK_FALSE(limited.passes(from("203.0.113.1")));
    CHECK(limited.passes(from("192.0.2.3")));
    CHECK(limited.passes(from("")));
    CHECK_FALSE(limited.check().at_mail(from("203.0.113.1")).passes());
    CHECK(limited.check().at_mail(from("198.51.100.7")).passes());
}

TEST_CASE("scopes: account, its domain, the sender in lower case", "[filter][policy]")
{
    LimitRule rule = hourly(3);
    rule.scope = Scope::domain;
    Limited domain(rule);
    CHECK(domain.passes(mail("a@example.com", 2)));
    CHECK_FALSE(domain.passes(mail("b@example.com", 2)));
    CHECK(domain.passes(mail("b@example.org", 2)));
    CHECK(domain.passes(mail("no-domain", 20)));

    rule.scope = Scope::sender;
    Limited sender(rule);
    CHECK(sender.passes(mail("a", 2)));
    Record other = mail("b", 2);
    other.sender = "sender@example.ORG";
    CHECK_FALSE(sender.passes(other));
    other.sender = "";
    CHECK(sender.passes(other));
}

TEST_CASE("mail without an account is judged only where the rule says so", "[filter][policy]")
{
    LimitRule rule = hourly(1);
    rule.scope = Scope::sender;
    CHECK(Limited(rule).passes(mail("", 2)));
    rule.unauthenticated = true;
    CHECK_FALSE(Limited(rule).passes(mail("", 2)));
}

TEST_CASE("an account's own limit goes before its domain's, and that before the rule's", "[filter][policy]")
{
    LimitRule rule = hourly(10);
    rule.exceptions.accounts["forum@example.com"] = 100;
    rule.exceptions.accounts["list@example.com"] = std::nullopt;
    rule.exceptions.domains["example.com"] = 20;
    Limited limited(rule);
    CHECK(limited.passes(mail("forum@example.com", 100)));
    CHECK_FALSE(limited.passes(mail("forum@example.com", 1)));
    CHECK(limited.passes(mail("list@example.com", 1000)));
    CHECK(limited.passes(mail("other@example.com", 20)));
    CHECK_FALSE(limited.passes(mail("other@example.com", 1)));
    CHECK_FALSE(limited.passes(mail("other@example.org", 11)));
}

TEST_CASE("at MAIL only those are refused whom no message would fit", "[filter][policy]")
{
    Limited limited(hourly(2));
    CHECK(limited.check().at_mail(mail("a", 0)).passes());
    limited.send(mail("a", 1));
    CHECK(limited.check().at_mail(mail("a", 0)).passes());
    limited.send(mail("a", 1));
    CHECK_FALSE(limited.check().at_mail(mail("a", 0)).passes());

    LimitRule rule = hourly(0);
    rule.action = Action::hold;
    CHECK(Limited(rule).check().at_mail(mail("a", 0)).passes());
}
