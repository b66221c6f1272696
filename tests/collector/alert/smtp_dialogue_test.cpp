#include "collector/alert/smtp_dialogue.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;
using Strings = std::vector<std::string>;

namespace {

struct Talk {
    explicit Talk(StartTls starttls = StartTls::opportunistic, Strings to = {"a@example.com"},
                  std::string mail = "Subject: x\r\n\r\nhello\r\n")
        : dialogue({"mx.example.org", "alarm@example.org", std::move(to), std::move(mail)}, starttls)
    {
    }

    /// What the client says to that, or "(encrypt)", "(end)", "(waits)" at last.
    std::string to(std::string_view reply)
    {
        dialogue.feed(reply);
        return said();
    }

    std::string said()
    {
        std::string all;
        for (;;) {
            const auto step = dialogue.next();
            if (const auto* send = std::get_if<SmtpDialogue::Send>(&step))
                all += send->bytes;
            else if (std::holds_alternative<SmtpDialogue::Encrypt>(step))
                return all + "(encrypt)";
            else if (std::holds_alternative<SmtpDialogue::Finished>(step))
                return all + "(end)";
            else
                return all.empty() ? "(waits)" : all;
        }
    }

    std::string until_data()
    {
        to("220 hi\r\n");
        to("250 hi\r\n");
        to("250 ok\r\n");
        return to("250 ok\r\n");
    }

    SmtpDialogue dialogue;
};

} // namespace

TEST_CASE("a mail is handed over", "[collector][alert][smtp]")
{
    Talk talk;
    CHECK(talk.said() == "(waits)");
    CHECK(talk.to("220 mail.example.com ESMTP\r\n") == "EHLO mx.example.org\r\n");
    CHECK(talk.to("250-mail.example.com\r\n250-SIZE 100") == "(waits)");
    CHECK(talk.to("00\r\n250 HELP\r\n") == "MAIL FROM:<alarm@example.org>\r\n");
    CHECK(talk.to("250 2.1.0 Ok\r\n") == "RCPT TO:<a@example.com>\r\n");
    CHECK(talk.to("250\r\n") == "DATA\r\n");
    CHECK(talk.to("354 go\r\n") == "Subject: x\r\n\r\nhello\r\n.\r\n");
    CHECK(talk.dialogue.accepted().empty());
    CHECK(talk.to("250 2.0.0 queued\r\n") == "QUIT\r\n(end)");
    CHECK(talk.dialogue.accepted() == Strings{"a@example.com"});
    CHECK(talk.dialogue.error().empty());
}

TEST_CASE("the null sender and several recipients, of whom each has a fate", "[collector][alert][smtp]")
{
    SmtpDialogue::Letter letter{"mx", "", {"a@x", "b@x", "c@x"}, "\r\n"};
    Talk talk;
    talk.dialogue = SmtpDialogue(letter, StartTls::off);
    talk.to("220 hi\r\n");
    CHECK(talk.to("250-hi\r\n250 STARTTLS\r\n") == "MAIL FROM:<>\r\n");
    CHECK(talk.to("250 ok\r\n") == "RCPT TO:<a@x>\r\n");
    CHECK(talk.to("550 5.1.1 who?\r\n") == "RCPT TO:<b@x>\r\n");
    CHECK(talk.to("250 ok\r\n") == "RCPT TO:<c@x>\r\n");
    CHECK(talk.to("450 later\r\n") == "DATA\r\n");
    talk.to("354 go\r\n");
    CHECK(talk.to("250 ok\r\n") == "QUIT\r\n(end)");
    CHECK(talk.dialogue.accepted() == Strings{"b@x"});
    CHECK(talk.dialogue.refused() == Strings{"a@x"});
    CHECK(talk.dialogue.error() == "RCPT TO:<a@x>: 550 5.1.1 who?; RCPT TO:<c@x>: 450 later");
}

TEST_CASE("nobody left to write to is the end", "[collector][alert][smtp]")
{
    Talk talk;
    talk.to("220 hi\r\n");
    talk.to("250 hi\r\n");
    talk.to("250 ok\r\n");
    CHECK(talk.to("550 no\r\n") == "QUIT\r\n(end)");
    CHECK(talk.dialogue.accepted().empty());
    CHECK(talk.dialogue.error() == "RCPT TO:<a@example.com>: 550 no");
}

TEST_CASE("dots at the beginning of lines are doubled, the end is one by itself", "[collector][alert][smtp]")
{
    const auto [mail, data] =
        GENERATE(table<std::string, std::string>({{".\r\n", "..\r\n.\r\n"},
                                                  {"a\r\n.b\r\n..\r\nc.d\r\n", "a\r\n..b\r\n...\r\nc.d\r\n.\r\n"},
                                                  {"no end", "no end\r\n.\r\n"}}));
    Talk talk(StartTls::off, {"a@x"}, mail);
    CHECK(talk.until_data() == "DATA\r\n");
    CHECK(talk.to("354 go\r\n") == data);
}

TEST_CASE("what is refused is told with what was said before it", "[collector][alert][smtp]")
{
    Talk talk;
    SECTION("at once")
    {
        CHECK(talk.to("554 go\x07 away\r\n") == "QUIT\r\n(end)");
        CHECK(talk.dialogue.error() == "connecting: 554 go\\x07 away");
    }
    SECTION("the sender")
    {
        talk.to("220 hi\r\n");
        talk.to("250 hi\r\n");
        CHECK(talk.to("550-one\r\n550 two\r\n") == "QUIT\r\n(end)");
        CHECK(talk.dialogue.error() == "MAIL FROM:<alarm@example.org>: 550 one two");
    }
    SECTION("DATA")
    {
        talk.until_data();
        CHECK(talk.to("452 full\r\n") == "QUIT\r\n(end)");
        CHECK(talk.dialogue.error() == "DATA: 452 full");
    }
    SECTION("the mail itself")
    {
        talk.until_data();
        talk.to("354 go\r\n");
        CHECK(talk.to("554 spam\r\n") == "QUIT\r\n(end)");
        CHECK(talk.dialogue.error() == "the mail: 554 spam");
    }
    CHECK(talk.dialogue.accepted().empty());
}

TEST_CASE("a server that knows no EHLO gets a HELO", "[collector][alert][smtp]")
{
    Talk talk;
    talk.to("220 hi\r\n");
    CHECK(talk.to("502 what?\r\n") == "HELO mx.example.org\r\n");
    CHECK(talk.to("250 hi\r\n") == "MAIL FROM:<alarm@example.org>\r\n");
}

TEST_CASE("STARTTLS is taken where it is offered, and then all begins anew", "[collector][alert][smtp]")
{
    Talk talk(GENERATE(StartTls::opportunistic, StartTls::required));
    talk.to("220 hi\r\n");
    CHECK(talk.to("250-hi\r\n250-starttls\r\n250 SIZE\r\n") == "STARTTLS\r\n");
    CHECK(talk.to("220 go\r\n") == "(encrypt)");
    talk.dialogue.encrypted();
    CHECK(talk.said() == "EHLO mx.example.org\r\n");
    CHECK(talk.to("250-hi\r\n250 STARTTLS\r\n") == "MAIL FROM:<alarm@example.org>\r\n");
}

TEST_CASE("without STARTTLS nothing goes out where it is required", "[collector][alert][smtp]")
{
    Talk talk(StartTls::required);
    talk.to("220 hi\r\n");
    SECTION("not offered; the greeting's own line is no offer")
    {
        CHECK(talk.to("250-STARTTLS\r\n250 SIZE\r\n") == "(end)");
        CHECK(talk.dialogue.error() == "EHLO mx.example.org: no STARTTLS, which starttls = \"required\" asks for");
    }
    SECTION("not spoken")
    {
        CHECK(talk.to("500 what?\r\n") == "QUIT\r\n(end)");
    }
    SECTION("offered and refused")
    {
        talk.to("250-hi\r\n250 STARTTLS\r\n");
        CHECK(talk.to("454 not now\r\n") == "QUIT\r\n(end)");
        CHECK(talk.dialogue.error() == "STARTTLS: 454 not now");
    }
    SECTION("somebody put an answer in before the keys were there")
    {
        talk.to("250-hi\r\n250 STARTTLS\r\n");
        CHECK(talk.to("220 go\r\n250 hi\r\n") == "(end)");
        CHECK(talk.dialogue.error() == "STARTTLS: more than a reply");
    }
}

TEST_CASE("an encryption that fails is told: the next try may go without", "[collector][alert][smtp]")
{
    Talk talk;
    talk.to("220 hi\r\n");
    talk.to("250-hi\r\n250 STARTTLS\r\n");
    CHECK(talk.to("220 go\r\n") == "(encrypt)");
    CHECK_FALSE(talk.dialogue.tls_failed());
    talk.dialogue.fail("TLS: no protocol in common");
    CHECK(talk.dialogue.tls_failed());
    CHECK(talk.dialogue.failure() == SmtpDialogue::Failure::server);
}

TEST_CASE("only the answer to the mail may take its time", "[collector][alert][smtp]")
{
    const auto waits_for_mail = [](SmtpDialogue& dialogue) {
        return std::get<SmtpDialogue::NeedInput>(dialogue.next()).of_mail;
    };
    Talk talk;
    CHECK_FALSE(waits_for_mail(talk.dialogue));
    talk.until_data();
    CHECK_FALSE(waits_for_mail(talk.dialogue));
    talk.to("354 go\r\n");
    CHECK(waits_for_mail(talk.dialogue));
}

TEST_CASE("a refused STARTTLS does not matter where it need not be", "[collector][alert][smtp]")
{
    Talk talk;
    talk.to("220 hi\r\n");
    talk.to("250-hi\r\n250 STARTTLS\r\n");
    CHECK(talk.to("454 not now\r\n") == "MAIL FROM:<alarm@example.org>\r\n");
}

TEST_CASE("a server may say only so much", "[collector][alert][smtp]")
{
    Talk talk;
    SECTION("in one line, ended or not")
    {
        const std::string end = GENERATE("", "\r\n");
        CHECK(talk.to("220 " + std::string(SmtpDialogue::max_line, 'x') + end) == "(end)");
        CHECK(talk.dialogue.error() == "connecting: a line of more than 2048 octets");
    }
    SECTION("in many lines")
    {
        for (unsigned line = 0; line < SmtpDialogue::max_reply_lines; ++line)
            REQUIRE(talk.to("220-x\r\n") == "(waits)");
        CHECK(talk.to("220-x\r\n") == "(end)");
        CHECK(talk.dialogue.error() == "connecting: a reply of more than 100 lines");
    }
    SECTION("and no nonsense")
    {
        const std::string nonsense = GENERATE("hello", "22 x", "220x", "", "22a x");
        CHECK(talk.to(nonsense + "\r\n") == "(end)");
        CHECK(talk.dialogue.error() == "connecting: \"" + nonsense + "\", expected a reply such as \"250 ok\"");
    }
}

TEST_CASE("a connection that fails ends the dialogue, and nobody has the mail", "[collector][alert][smtp]")
{
    Talk talk;
    talk.until_data();
    talk.to("354 go\r\n");
    talk.dialogue.fail("connection closed");
    CHECK(talk.said() == "(end)");
    CHECK(talk.dialogue.accepted().empty());
    CHECK(talk.dialogue.error() == "the mail: connection closed");
}
