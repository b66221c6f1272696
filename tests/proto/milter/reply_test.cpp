#include "proto/milter/reply.hpp"

#include <catch2/catch.hpp>

#include "tests/support/packets.hpp"

using namespace smtpauth::milter;
using namespace smtpauth::test;
using namespace std::string_literals;
using Kind = Answer::Kind;

namespace {

std::string bytes_of(const Answer& answer)
{
    std::string bytes;
    append_answer(bytes, answer);
    return bytes;
}

std::variant<Malformed, ParsedReply> parse(const std::string& bytes)
{
    PacketDecoder decoder;
    decoder.feed(bytes);
    const auto packet = decoder.next();
    REQUIRE(packet);
    return parse_reply(*packet);
}

ParsedReply parsed(const std::string& bytes)
{
    const auto reply = parse(bytes);
    if (const auto* malformed = std::get_if<Malformed>(&reply))
        FAIL(malformed->error);
    return std::get<ParsedReply>(reply);
}

std::string error_of(const std::string& bytes)
{
    const auto reply = parse(bytes);
    const auto* malformed = std::get_if<Malformed>(&reply);
    return malformed != nullptr ? malformed->error : "none";
}

} // namespace

TEST_CASE("an SMTP reply of one line has its code in front", "[milter][reply]")
{
    CHECK(smtp_reply(550, "5.7.1 Access denied") == "550 5.7.1 Access denied");
    CHECK(smtp_reply(451, "Try again later") == "451 Try again later");
    CHECK(smtp_reply(421, "") == "421 ");
}

TEST_CASE("an SMTP reply of several lines has code and enhanced code on each", "[milter][reply]")
{
    CHECK(smtp_reply(451, "4.7.1 load 90%\ntry later") == "451-4.7.1 load 90%\r\n451 4.7.1 try later");
    CHECK(smtp_reply(550, "one\ntwo\nthree") == "550-one\r\n550-two\r\n550 three");
    CHECK(smtp_reply(550, "5.7.1 one\n") == "550-5.7.1 one\r\n550 5.7.1 ");
}

TEST_CASE("only an enhanced status code is repeated on every line", "[milter][reply]")
{
    const auto [text, second] = GENERATE(table<std::string, std::string>({
        {"5.7.1 text", "5.7.1 two"},
        {"5.123.456 text", "5.123.456 two"},
        {"5.7.1", "two"},
        {"5.7 text", "two"},
        {"5.7.1x text", "two"},
        {"5..1 text", "two"},
        {"5.1234.1 text", "two"},
        {"5.7.1.1 text", "two"},
        {"text 5.7.1 ", "two"},
    }));
    CHECK(smtp_reply(550, text + "\ntwo") == "550-" + text + "\r\n550 " + second);
}

TEST_CASE("an SMTP reply holds printable ASCII only, so that no text can forge a line", "[milter][reply]")
{
    CHECK(smtp_reply(550, "a\r\tb\x7f\x01\xc3\xa9"
                          "c") == "550 a??b????c");
    CHECK(smtp_reply(550, "a\0b"s) == "550 a?b");
}

TEST_CASE("an SMTP reply keeps to 980 octets a line and 32 lines", "[milter][reply]")
{
    CHECK(smtp_reply(550, std::string(980, 'x')) == "550 " + std::string(980, 'x'));
    CHECK(smtp_reply(550, std::string(981, 'x')) == "550 " + std::string(980, 'x'));
    CHECK(smtp_reply(550, std::string(2000, 'x') + "\ny") == "550-" + std::string(980, 'x') + "\r\n550 y");

    std::string many;
    std::string expected;
    for (int line = 1; line <= 40; ++line)
        many += "line\n";
    for (int line = 1; line < 32; ++line)
        expected += "550-line\r\n";
    CHECK(smtp_reply(550, many) == expected + "550 line");
}

TEST_CASE("each answer is the packet that the MTA knows", "[milter][reply]")
{
    CHECK(bytes_of({}) == packet('c'));
    CHECK(bytes_of({Kind::proceed}) == from_hex("00 00 00 01 63"));
    CHECK(bytes_of({Kind::accept}) == packet('a'));
    CHECK(bytes_of({Kind::reject}) == packet('r'));
    CHECK(bytes_of({Kind::tempfail}) == packet('t'));
    CHECK(bytes_of({Kind::discard}) == packet('d'));
    CHECK(bytes_of({Kind::skip}) == packet('s'));
    CHECK(bytes_of({Kind::reply_code, "550 5.7.1 Access denied"}) ==
          from_hex("00 00 00 19 79 35 35 30 20 35 2e 37 2e 31 20 41 63 63 65 73 73 20 64 65 6e 69 65 64 00"));
    CHECK(bytes_of({Kind::hold, "looked odd"}) == packet('q', "looked odd\0"s) + packet('c'));

    std::string progress;
    append_progress(progress);
    CHECK(progress == packet('p'));
}

TEST_CASE("a per cent sign is doubled on the wire, and single again for the MTA's client", "[milter][reply]")
{
    const std::string text = smtp_reply(451, "4.7.1 load 90%\ntry later");
    const std::string bytes = bytes_of({Kind::reply_code, text});
    CHECK(bytes ==
          from_hex("00 00 00 2a 79 34 35 31 2d 34 2e 37 2e 31 20 6c 6f 61 64 20 39 30 25 25 0d 0a 34 35 31 20 34 "
                   "2e 37 2e 31 20 74 72 79 20 6c 61 74 65 72 00"));
    CHECK(parsed(bytes).text == text);

    const auto odd = GENERATE(as<std::string>(), "550 %", "550 %%", "550 %%%", "550 100%s%d%n");
    CHECK(parsed(bytes_of({Kind::reply_code, odd})).text == odd);
    // Nobody formats a quarantine reason.
    CHECK(parsed(packet('q', "100%\0"s)).text == "100%");
}

TEST_CASE("the MTA's role reads what the filter's role writes", "[milter][reply]")
{
    const auto kind = GENERATE(Kind::proceed, Kind::accept, Kind::reject, Kind::tempfail, Kind::discard, Kind::skip,
                               Kind::reply_code);
    const std::string bytes = bytes_of({kind, "550 5.7.1 Access denied"});
    const ParsedReply reply = parsed(bytes);
    CHECK(static_cast<char>(reply.reply) == bytes[4]);
    CHECK(reply.text == (kind == Kind::reply_code ? "550 5.7.1 Access denied" : ""));
}

TEST_CASE("the answer to the negotiation is a reply as well", "[milter][reply]")
{
    const ParsedReply reply = parsed(offer(6, 0x100, 0x9372));
    CHECK(reply.reply == Reply::negotiate);
    CHECK(reply.negotiate.version == 6);
    CHECK(reply.negotiate.actions == 0x100);
    CHECK(reply.negotiate.protocol == 0x9372);
    CHECK(error_of(packet('O', "short")) ==
          "milter OPTNEG of 5 octets of data, expected at least 12: version, actions, protocol");
}

TEST_CASE("a reply that no MTA would take is malformed", "[milter][reply]")
{
    CHECK(error_of(packet('c', "x")) == "milter reply 'c' with data, expected none");
    CHECK(error_of(packet('y')) == "milter reply 'y', expected one string ending in NUL");
    CHECK(error_of(packet('y', "550 no end")) == "milter reply 'y', expected one string ending in NUL");
    CHECK(error_of(packet('y', "550 a\0b\0"s)) == "milter reply 'y', expected one string ending in NUL");
    CHECK(error_of(packet('q')) == "milter reply 'q', expected one string ending in NUL");
    CHECK(error_of(packet('4')) == "milter reply 0x34, expected one of O c a r t d y s p q");
    CHECK(error_of(packet('h', strings({"X-A", "b"}))) == "milter reply 0x68, expected one of O c a r t d y s p q");
}
