// What limits ask of a conversation beside verdicts: single recipients reserved and given back, attempts told of,
// accounts blocked.
#include <catch2/catch.hpp>

#include "filter/conversation.hpp"
#include "filter/policy/limit_check.hpp"
#include "tests/support/packets.hpp"
#include "tests/support/record_fields.hpp"
#include "tests/support/test_site.hpp"

using namespace smtpauth;
using namespace smtpauth::test;
using namespace std::chrono_literals;
using event::Action;
using event::RecordType;

namespace {

const std::string client =
    packet('C', strings({"client.example.com"}) + "4" + std::string("\x30\x39", 2) + strings({"192.0.2.1"}));
const std::string command_line =
    packet('C', strings({"localhost"}) + "4" + std::string(2, '\0') + strings({"127.0.0.1"}));
const std::string mail = macros('M', {"{auth_authen}", "alice"}) + packet('M', strings({"<a@example.com>"}));
const std::string rcpt = macros('R', {"{rcpt_mailer}", "smtp"}) + packet('R', strings({"<b@example.org>"}));
const std::string unknown_rcpt = macros('R', {"{rcpt_mailer}", "error"}) + packet('R', strings({"<no@example.org>"}));
const std::string eom = packet('E');
const std::string abort_message = packet('A');
const std::string proceed = packet('c');

std::string replied(std::string_view text)
{
    return packet('y', strings({text}));
}

FilterConfig config_of(const LimitRule& rule)
{
    FilterConfig config;
    config.limits = {rule};
    config.answers_recipients = refuses_recipients(config.limits);
    return config;
}

/// A filter with one limit.
class Limited {
public:
    explicit Limited(const LimitRule& rule) : site(config_of(rule))
    {
        AccountState::Settings settings{.max_bytes = 1 << 20};
        settings.keep.fill(rule.window);
        site.accounts().set(settings);
        std::vector<std::unique_ptr<const Check>> checks;
        checks.push_back(
            std::make_unique<LimitCheck>(rule, site.accounts(), LimitTerms{&site.blocks(), 100, &site.reservations()}));
        site.set_checks(std::move(checks));
    }

    TestSite site;
};

/// One connection to it; its records are kept at once.
class Client {
public:
    explicit Client(Limited& filter, const std::string& connect = client)
        : conversation(filter.site.site(), filter.site.size_source())
    {
        say(offer() + connect);
    }

    /// The replies to these bytes.
    std::string say(const std::string& bytes)
    {
        conversation.output().clear();
        conversation.receive(bytes);
        for (;;) {
            const Conversation::Step step = conversation.next();
            if (!std::holds_alternative<Conversation::Commit>(step))
                break;
            records.push_back(std::get<Conversation::Commit>(step).record);
            conversation.committed();
        }
        return conversation.output();
    }

    Conversation conversation;
    std::vector<event::Record> records;
};

LimitRule singly(std::uint64_t limit)
{
    return {.name = "single", .limit = limit, .window = 1h, .over = Over::recipient};
}

const std::string beyond_two =
    replied("450 4.7.1 single: 3 recipients in 1h by this auth_id, at most 2 (2 of them under way)");

} // namespace

TEST_CASE("recipients that were accepted singly count for others until their message ends", "[filter][conversation]")
{
    Limited filter(singly(2));
    Client one(filter);
    Client other(filter);
    CHECK(one.say(mail + rcpt) == proceed + proceed);
    CHECK(other.say(mail + rcpt) == proceed + proceed);
    CHECK(one.say(rcpt) == beyond_two);
    REQUIRE(one.records.size() == 1);
    CHECK(one.records[0].type == RecordType::refusal);
    CHECK(one.records[0].stage == event::Stage::rcpt);
    CHECK(field(one.records[0], "recipients") == "b@example.org");

    SECTION("an ABORT gives them back")
    {
        other.say(abort_message);
    }
    SECTION("another MAIL gives them back")
    {
        other.say(mail);
    }
    SECTION("the end of the connection gives them back")
    {
        other.conversation.lost();
    }
    SECTION("so does the end of the message, and then they are charged")
    {
        CHECK(other.say(eom) == proceed);
        CHECK_THAT(one.say(rcpt), Catch::Contains("at most 2 (1 of them under way); try again in 1h"));
        filter.site.clock().advance(1h);
    }
    CHECK(one.say(rcpt) == proceed);
    CHECK(one.say(eom) == proceed);
    CHECK(one.records.back().recipients.size() == 2);
}

TEST_CASE("a message that takes longer than its reservation is judged anew", "[filter][conversation]")
{
    Limited filter(singly(2));
    Client slow(filter);
    slow.say(mail + rcpt + rcpt);
    filter.site.clock().advance(10min);
    SECTION("it passes where nobody else took the place")
    {
        CHECK(slow.say(eom) == proceed);
    }
    SECTION("it is refused as a whole where somebody did")
    {
        Client quick(filter);
        CHECK(quick.say(mail + rcpt + eom) == proceed + proceed + proceed);
        CHECK_THAT(slow.say(eom), Catch::Contains("3 recipients in 1h by this auth_id, at most 2"));
        CHECK(slow.records.back().action == Action::tempfail);
        CHECK(event::recipient_count(slow.records.back()) == 2);
    }
}

TEST_CASE("of mail that came by no SMTP no single recipient is refused", "[filter][conversation]")
{
    Limited filter(singly(1));
    Client local(filter, command_line);
    CHECK(local.say(mail + rcpt + rcpt) == proceed + proceed + proceed);
    CHECK_THAT(local.say(eom), Catch::Contains("2 recipients in 1h"));
    CHECK(local.records.back().action == Action::tempfail);
}

TEST_CASE("a message without an end is told of where the MTA refused recipients and a rule counts them",
          "[filter][conversation]")
{
    Limited filter({.name = "bad", .measure = Measure::rejected_recipients, .limit = 1, .window = 1h});
    Client prober(filter);
    prober.say(mail + rcpt + unknown_rcpt + unknown_rcpt);
    SECTION("after ABORT")
    {
        prober.say(abort_message);
    }
    SECTION("at the end of the connection")
    {
        prober.conversation.lost();
    }
    const auto kept = filter.site.take_kept();
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].type == RecordType::attempt);
    CHECK(kept[0].rcpt_refused == 2);
    CHECK(event::recipient_count(kept[0]) == 0);
    CHECK(kept[0].auth_id == "alice");
    Client next(filter);
    CHECK(next.say(mail) ==
          replied("450 4.7.1 bad: 2 rejected-recipients in 1h by this auth_id, at most 1; try again in 1h"));
    next.conversation.lost();
    CHECK(filter.site.take_kept().empty());
}

TEST_CASE("no attempt is told of where nobody counts, or nobody is known, or the message had its end",
          "[filter][conversation]")
{
    const bool is_counted = GENERATE(true, false);
    Limited filter({.name = "bad",
                    .measure = is_counted ? Measure::rejected_recipients : Measure::messages,
                    .limit = 10,
                    .window = 1h});
    Client prober(filter);
    if (is_counted) {
        prober.say(mail + rcpt + unknown_rcpt + eom + abort_message);
        prober.say(packet('M', strings({"<a@example.com>"})) + unknown_rcpt + abort_message);
    } else {
        prober.say(mail + rcpt + unknown_rcpt + abort_message);
    }
    prober.conversation.lost();
    CHECK(filter.site.take_kept().empty());
}

TEST_CASE("a refused message counts what the MTA refused of it", "[filter][conversation]")
{
    Limited filter({.name = "bad", .measure = Measure::rejected_recipients, .limit = 1, .window = 1h});
    Client prober(filter);
    prober.say(mail + rcpt + unknown_rcpt + unknown_rcpt + eom);
    CHECK(prober.records.back().action == Action::tempfail);
    CHECK_THAT(prober.say(mail), Catch::Contains("2 rejected-recipients in 1h"));
    CHECK(prober.records.back().stage == event::Stage::mail);
    filter.site.clock().advance(1h);
    CHECK(prober.say(mail) == proceed);
}

TEST_CASE("a limit may block the account that exceeds it", "[filter][conversation]")
{
    Limited filter({.name = "hourly", .limit = 1, .window = 1h, .action = Action::reject, .block = 2h});
    Client sender(filter);
    CHECK(sender.say(mail + rcpt + eom) == proceed + proceed);
    CHECK(filter.site.take_kept().empty());
    sender.say(mail);
    const auto kept = filter.site.take_kept();
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].type == RecordType::block);
    CHECK(kept[0].auth_id == "alice");
    CHECK(kept[0].rule == "hourly");
    CHECK(kept[0].until - kept[0].eom_time == 2h);
    CHECK(kept[0].reason == "hourly: 2 recipients in 1h by this auth_id, at most 1; last from 192.0.2.1/NO");
    sender.say(mail);
    CHECK(filter.site.take_kept().empty());
}

TEST_CASE("what is merely reserved blocks nobody", "[filter][conversation]")
{
    LimitRule rule = singly(2);
    rule.block = 2h;
    Limited filter(rule);
    Client one(filter);
    Client other(filter);
    one.say(mail + rcpt + rcpt);
    CHECK_THAT(other.say(mail), Catch::Contains("3 recipients in 1h by this auth_id, at most 2 (2 of them under way)"));
    one.say(rcpt);
    CHECK(filter.site.take_kept().empty());
    CHECK(one.say(eom) == proceed);
    CHECK_THAT(other.say(mail), Catch::Contains("try again in 1h"));
    CHECK(filter.site.take_kept().size() == 1);
}

TEST_CASE("a window that is still full when a block ends makes no other block", "[filter][conversation]")
{
    Limited filter({.name = "hourly", .limit = 1, .window = 1h, .block = 10min});
    Client sender(filter);
    sender.say(mail + rcpt + eom);
    sender.say(mail);
    CHECK(filter.site.take_kept().size() == 1);
    filter.site.clock().advance(20min);
    CHECK_THAT(sender.say(mail), Catch::Contains("try again in 40m"));
    CHECK(filter.site.take_kept().empty());
    filter.site.clock().advance(40min);
    CHECK(sender.say(mail + rcpt + eom) == proceed + proceed);
    sender.say(mail);
    CHECK(filter.site.take_kept().size() == 1);
}

TEST_CASE("messages that are refused at their end, and messages without one, share records, too",
          "[filter][conversation]")
{
    Limited filter({.name = "bad", .measure = Measure::rejected_recipients, .limit = 1, .window = 1h});
    filter.site.folding().set(1);
    Client sender(filter);
    SECTION("refused ones")
    {
        sender.say(mail + rcpt + unknown_rcpt + unknown_rcpt + eom);
        CHECK(sender.records.size() == 1);
        filter.site.clock().advance(1h);
        const std::string answer = sender.say(mail + rcpt + unknown_rcpt + unknown_rcpt + eom);
        CHECK_THAT(answer, Catch::Contains("2 rejected-recipients in 1h"));
        CHECK(sender.records.size() == 1);
        const auto folded = filter.site.folding().take_all();
        REQUIRE(folded.size() == 1);
        CHECK(folded[0].type == RecordType::message);
        CHECK(event::recipient_count(folded[0]) == 0);
        CHECK(folded[0].rcpt_refused == 2);
    }
    SECTION("those without an end")
    {
        const std::string attempt = mail + unknown_rcpt + abort_message;
        for (int n = 0; n < 3; ++n)
            sender.say(attempt);
        CHECK(filter.site.take_kept().size() == 1);
        const auto folded = filter.site.folding().take_all();
        REQUIRE(folded.size() == 1);
        CHECK(folded[0].rcpt_refused == 2);
        CHECK(folded[0].count == 2);
    }
}

TEST_CASE("of very many refusals most have no record of their own, and all are answered alike",
          "[filter][conversation]")
{
    Limited filter({.name = "hourly", .limit = 0, .window = 1h});
    filter.site.folding().set(2);
    Client sender(filter);
    const std::string answer = sender.say(mail);
    for (int n = 0; n < 5; ++n)
        CHECK(sender.say(mail) == answer);
    CHECK(sender.records.size() == 2);
    REQUIRE(filter.site.folding().take_all().size() == 1);
    CHECK(filter.site.folding().absorbed() == 4);
}

TEST_CASE("a recipient whose refusal has no record of its own is no part of the mail either", "[filter][conversation]")
{
    Limited filter(singly(1));
    filter.site.folding().set(1);
    Client sender(filter);
    sender.say(mail + rcpt);
    sender.say(rcpt);
    CHECK(sender.say(rcpt) ==
          replied("450 4.7.1 single: 2 recipients in 1h by this auth_id, at most 1 (1 of them under way)"));
    sender.say(eom);
    CHECK(sender.records.back().recipients.size() == 1);
    CHECK(sender.records.size() == 2);
}
