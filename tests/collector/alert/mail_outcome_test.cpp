#include "collector/alert/mail_outcome.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;
using Kind = Outcome::Kind;
using Strings = std::vector<std::string>;

namespace {

const Strings both{"a@x", "b@x"};

/// What comes of a server that answers so, whatever it hears.
Outcome of(std::string_view replies)
{
    SmtpDialogue dialogue({"mx", "", both, "hello\r\n"}, StartTls::off);
    dialogue.feed(replies);
    while (!std::holds_alternative<SmtpDialogue::Finished>(dialogue.next()))
        if (std::holds_alternative<SmtpDialogue::NeedInput>(dialogue.next()))
            dialogue.fail("connection closed");
    return outcome_of(dialogue, both);
}

} // namespace

TEST_CASE("a recipient that is refused for good is done; who is put off comes later", "[collector][alert][smtp]")
{
    const std::string hello = "220 a\r\n250 b\r\n250 c\r\n";
    const auto [replies, kind, left] = GENERATE(table<std::string, Kind, Strings>({
        {"250 d\r\n250 d\r\n354 e\r\n250 f\r\n", Kind::delivered, {}},
        {"550 d\r\n250 d\r\n354 e\r\n250 f\r\n", Kind::delivered, {}},
        {"450 d\r\n250 d\r\n354 e\r\n250 f\r\n", Kind::notice_failed, {"a@x"}},
        {"450 d\r\n550 d\r\n", Kind::notice_failed, {"a@x"}},
        {"550 d\r\n550 d\r\n", Kind::notice_refused, both},
        {"550 d\r\n250 d\r\n354 e\r\n554 spam\r\n", Kind::notice_refused, {"b@x"}},
        {"250 d\r\n250 d\r\n354 e\r\n451 spam?\r\n", Kind::notice_failed, both},
        {"250 d\r\n250 d\r\n354 e\r\n", Kind::notice_failed, both},
        {"250 d\r\n250 d\r\n554 no\r\n", Kind::notice_refused, both},
        {"250 d\r\n421 bye\r\n", Kind::unreachable, both},
        {"250 d\r\n", Kind::unreachable, both},
    }));
    CAPTURE(replies);
    const Outcome outcome = of(hello + replies);
    CHECK(outcome.kind == kind);
    CHECK(outcome.left_to == left);
    CHECK(outcome.error.empty() == replies.starts_with("250 d\r\n250 d\r\n354 e\r\n250"));
}

TEST_CASE("the sender is of this mail, what comes before of the server", "[collector][alert][smtp]")
{
    CHECK(of("220 a\r\n250 b\r\n550 you\r\n").kind == Kind::notice_refused);
    CHECK(of("220 a\r\n250 b\r\n451 you\r\n").kind == Kind::notice_failed);
    CHECK(of("220 a\r\n550 b\r\n550 b\r\n").kind == Kind::unreachable);
    CHECK(of("554 a\r\n").kind == Kind::unreachable);
    CHECK(of("").kind == Kind::unreachable);
}

TEST_CASE("who is left is asked for as long as the settings name him", "[collector][alert]")
{
    CHECK(still_wanted({}, {"a@x", "b@x"}) == Strings{"a@x", "b@x"});
    CHECK(still_wanted({"b@x"}, {"a@x", "b@x"}) == Strings{"b@x"});
    CHECK(still_wanted({"c@x", "b@x"}, {"a@x", "b@x"}) == Strings{"b@x"});
    CHECK(still_wanted({"c@x"}, {"a@x", "b@x"}).empty());
}
