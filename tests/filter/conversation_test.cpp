// What dialogs cannot show: when an answer may leave, what a wait may lose, how other verdicts are carried out.
#include "filter/conversation.hpp"

#include <optional>

#include <catch2/catch.hpp>

#include "tests/support/packets.hpp"
#include "tests/support/record_fields.hpp"
#include "tests/support/test_site.hpp"

using namespace smtpauth;
using namespace smtpauth::test;
using namespace std::chrono_literals;

namespace {

/// Says what it was told to, at the stage that it was told for.
class ScriptedCheck final : public Check {
public:
    struct Script {
        Verdict at_mail;
        Verdict at_recipient;
        Verdict at_end_of_message;
    };
    explicit ScriptedCheck(const Script& script) : script_(script) {}

    Verdict at_mail(const event::Record& /*mail*/) const override { return script_.at_mail; }
    Verdict at_recipient(const event::Record& /*mail*/, std::string_view recipient) const override
    {
        return recipient.starts_with("good") ? Verdict{} : script_.at_recipient;
    }
    Verdict at_end_of_message(const event::Record& /*mail*/) const override { return script_.at_end_of_message; }

private:
    const Script& script_;
};

/// A filter whose only check follows a script, and one conversation with it.
class Scripted {
public:
    Scripted()
    {
        std::vector<std::unique_ptr<const Check>> checks;
        checks.push_back(std::make_unique<ScriptedCheck>(script));
        site.checks = std::make_shared<CheckList>(std::move(checks));
    }

    /// The replies to these bytes; records are committed at once.
    std::string say(const std::string& bytes)
    {
        conversation.output().clear();
        conversation.receive(bytes);
        for (;;) {
            const Conversation::Step step = conversation.next();
            if (!std::holds_alternative<Conversation::Commit>(step))
                break;
            const auto& commit = std::get<Conversation::Commit>(step);
            waited = commit.waits;
            record = commit.record;
            conversation.committed();
        }
        return conversation.output();
    }

    ScriptedCheck::Script script;
    ManualClock clock;
    AccountState accounts;
    Reservations reservations;
    BlockList blocks;
    AutomaticBlocks automatic_blocks{blocks};
    RefusalFolding folding;
    std::vector<event::Record> kept;
    Site site{clock,
              std::make_shared<FilterConfig>(),
              nullptr,
              [](const IpAddress&) { return Place{}; },
              accounts,
              reservations,
              automatic_blocks,
              folding,
              [this](const event::Record& one) { kept.push_back(one); }};
    SizeSource size_source{MessageSize::off};
    Conversation conversation{site, size_source};
    std::optional<event::Record> record;
    bool waited = false;
};

const std::string old_offer = offer(2, 0x3f, 0x7f);
const std::string client = packet('C', strings({"localhost"}) + "U");
const std::string mail = packet('M', strings({"<a@example.com>"}));
const std::string rcpt = packet('R', strings({"<b@example.org>"}));
const std::string good_rcpt = packet('R', strings({"<good@example.org>"}));
const std::string eom = packet('E');

std::string reply(std::string_view text)
{
    return packet('y', strings({text}));
}

} // namespace

TEST_CASE("nothing of an answer leaves before its record is safe", "[filter][conversation]")
{
    TestSite site;
    Conversation conversation(site.site(), site.size_source());
    const std::string bytes = offer() + client + mail + rcpt;
    conversation.receive(bytes);
    REQUIRE(std::holds_alternative<Conversation::Idle>(conversation.next()));
    conversation.output().clear();

    conversation.receive(eom);
    const auto step = conversation.next();
    REQUIRE(std::holds_alternative<Conversation::Commit>(step));
    CHECK(std::get<Conversation::Commit>(step).waits);
    CHECK(conversation.output().empty());
    conversation.committed();
    CHECK(conversation.output() == packet('c'));
    CHECK(std::holds_alternative<Conversation::Idle>(conversation.next()));
}

TEST_CASE("a refusal need not wait for a disk, mail that passes has to", "[filter][conversation]")
{
    Scripted filter;
    filter.say(offer() + client);
    filter.script.at_mail = {event::Action::reject, "550 5.7.1 no", "r"};
    CHECK(filter.say(mail) == reply("550 5.7.1 no"));
    CHECK_FALSE(filter.waited);

    filter.script = {};
    filter.say(mail + eom);
    CHECK(filter.waited);

    filter.script.at_end_of_message = {event::Action::reject, "550 5.7.1 no", "r"};
    filter.say(mail + eom);
    CHECK_FALSE(filter.waited);

    filter.script.at_end_of_message = {event::Action::hold, "odd", "h"};
    filter.say(mail + eom);
    CHECK(filter.waited);
}

TEST_CASE("what arrived behind a message that waits is not lost", "[filter][conversation]")
{
    TestSite site;
    Conversation conversation(site.site(), site.size_source());
    {
        const std::string bytes = offer() + client + mail + eom + mail + eom.substr(0, 3);
        conversation.receive(bytes);
        REQUIRE(std::holds_alternative<Conversation::Commit>(conversation.next()));
        conversation.keep_rest();
    }
    conversation.output().clear();
    conversation.committed();
    REQUIRE(std::holds_alternative<Conversation::Idle>(conversation.next()));
    CHECK(conversation.output() == packet('c') + packet('c'));
    CHECK(conversation.in_packet());
    CHECK(conversation.in_message());

    const std::string rest = eom.substr(3);
    conversation.receive(rest);
    CHECK(std::holds_alternative<Conversation::Commit>(conversation.next()));
}

TEST_CASE("a message is open from MAIL to its end, however that comes", "[filter][conversation]")
{
    Scripted filter;
    filter.say(offer() + client);
    CHECK_FALSE(filter.conversation.in_message());
    filter.say(mail);
    CHECK(filter.conversation.in_message());
    filter.say(rcpt);
    CHECK(filter.conversation.in_message());
    filter.say(eom);
    CHECK_FALSE(filter.conversation.in_message());
    filter.say(mail + packet('A'));
    CHECK_FALSE(filter.conversation.in_message());
    filter.script.at_mail = {event::Action::reject, "550 no", "r"};
    filter.say(mail);
    CHECK_FALSE(filter.conversation.in_message());
}

TEST_CASE("each verdict at end of message is carried out and recorded", "[filter][conversation]")
{
    const auto [action, text, answer] = GENERATE(table<event::Action, std::string, std::string>({
        {event::Action::accept, "", packet('c')},
        {event::Action::warn, "", packet('c')},
        {event::Action::hold, "odd", packet('q', strings({"odd"})) + packet('c')},
        {event::Action::reject, "550 5.7.1 no 100%", reply("550 5.7.1 no 100%%")},
        {event::Action::tempfail, "451 4.7.1 later", reply("451 4.7.1 later")},
        {event::Action::discard, "", packet('d')},
    }));
    CAPTURE(static_cast<int>(action));
    Scripted filter;
    filter.script.at_end_of_message = {action, text, "rule"};
    filter.say(offer() + client + mail + rcpt);
    CHECK(filter.say(eom) == answer);
    REQUIRE(filter.record);
    CHECK(filter.record->type == event::RecordType::message);
    CHECK(filter.record->stage == event::Stage::eom);
    CHECK(filter.record->action == action);
    CHECK(filter.record->rule == "rule");
    CHECK(filter.record->reason == text);
    CHECK(filter.say(mail + eom) == packet('c') + answer);
}

TEST_CASE("a recipient is refused where an answer is waited for, and is then no part of the mail",
          "[filter][conversation]")
{
    Scripted filter;
    filter.script.at_recipient = {event::Action::reject, "550 5.7.1 not to them", "rcpt"};

    SECTION("an old MTA waits for it")
    {
        filter.say(old_offer + client + mail);
        CHECK(filter.say(good_rcpt) == packet('c'));
        CHECK_FALSE(filter.record);
        CHECK(filter.say(rcpt) == reply("550 5.7.1 not to them"));
        REQUIRE(filter.record);
        CHECK(filter.record->type == event::RecordType::refusal);
        CHECK(filter.record->stage == event::Stage::rcpt);
        CHECK(field(*filter.record, "recipients") == "b@example.org");
        filter.say(eom);
        CHECK(field(*filter.record, "recipients") == "good@example.org");
        CHECK(filter.record->type == event::RecordType::message);
    }
    SECTION("a current one does not, by what we negotiate")
    {
        filter.say(offer() + client + mail);
        CHECK(filter.say(rcpt).empty());
        CHECK_FALSE(filter.record);
        filter.say(eom);
        CHECK(field(*filter.record, "recipients") == "b@example.org");
    }
}

TEST_CASE("mail is held at its end, also where a rule would hold it earlier", "[filter][conversation]")
{
    Scripted filter;
    filter.script.at_mail = {event::Action::hold, "odd", "h"};
    filter.script.at_recipient = {event::Action::hold, "odd", "h"};
    filter.script.at_end_of_message = {event::Action::hold, "odd", "h"};
    filter.say(old_offer + client);
    CHECK(filter.say(mail) == packet('c'));
    CHECK(filter.say(rcpt) == packet('c'));
    CHECK_FALSE(filter.record);
    CHECK(filter.say(eom) == packet('q', strings({"odd"})) + packet('c'));
    CHECK(field(*filter.record, "recipients") == "b@example.org");
}

TEST_CASE("a message that is discarded early is over", "[filter][conversation]")
{
    Scripted filter;
    filter.script.at_mail = {event::Action::discard, "", "d"};
    filter.say(offer() + client);
    CHECK(filter.say(mail) == packet('d'));
    CHECK(filter.record->action == event::Action::discard);
    CHECK_FALSE(filter.conversation.in_message());
}

TEST_CASE("times come from the clock: of the client and of the decision", "[filter][conversation]")
{
    Scripted filter;
    filter.clock.set(event::Time(1000s));
    filter.say(offer());
    filter.clock.advance(500ms);
    filter.say(client);
    filter.clock.advance(60s);
    filter.say(mail);
    filter.clock.advance(3ms);
    filter.conversation.receive(eom);
    const auto step = filter.conversation.next();
    const auto& record = std::get<Conversation::Commit>(step).record;
    CHECK(record.connect_time == event::Time(1000s + 500ms));
    CHECK(record.eom_time == event::Time(1060s + 503ms));
}

TEST_CASE("a reloaded configuration holds from the next decision on, within a connection", "[filter][conversation]")
{
    Scripted filter;
    filter.say(offer() + client + macros('M', {"{auth_authen}", "Alice"}) + mail + eom);
    CHECK(filter.record->auth_id == "alice");

    FilterConfig config;
    config.auth_id_normalize = {.lowercase = false, .strip_domain = false};
    filter.site.config = std::make_shared<FilterConfig>(config);
    filter.say(macros('M', {"{auth_authen}", "Alice"}) + mail + eom);
    CHECK(filter.record->auth_id == "Alice");
}

TEST_CASE("a packet longer than the setting allows ends the conversation", "[filter][conversation]")
{
    FilterConfig config;
    config.max_packet_bytes = 100;
    TestSite site(config);
    Conversation conversation(site.site(), site.size_source());
    const std::string bytes = offer() + packet('H', std::string(100, 'x'));
    conversation.receive(bytes);
    const auto step = conversation.next();
    REQUIRE(std::holds_alternative<Conversation::Close>(step));
    CHECK(std::get<Conversation::Close>(step).error == "milter packet length 101, expected 1 to 100");
}
