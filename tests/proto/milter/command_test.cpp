#include "proto/milter/command.hpp"

#include <list>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/packets.hpp"

using namespace smtpauth::milter;
using namespace smtpauth::test;
using namespace std::string_literals;

namespace {

/// Parses the one packet of these bytes. A command points into its packet, so all packets are kept.
ParsedCommand parse(const std::string& bytes)
{
    static std::list<std::string> kept;
    PacketDecoder decoder;
    decoder.feed(kept.emplace_back(bytes));
    const auto packet = decoder.next();
    REQUIRE(packet);
    return parse_command(*packet);
}

template <class T>
T parse_as(const std::string& bytes)
{
    const ParsedCommand command = parse(bytes);
    if (const auto* malformed = std::get_if<Malformed>(&command))
        FAIL(malformed->error);
    REQUIRE(std::holds_alternative<T>(command));
    return std::get<T>(command);
}

std::string error_of(const std::string& bytes)
{
    const ParsedCommand command = parse(bytes);
    const auto* malformed = std::get_if<Malformed>(&command);
    return malformed != nullptr ? malformed->error : "none";
}

std::vector<std::string> texts(StringList list)
{
    return {list.begin(), list.end()};
}

/// The packet that a command makes when it is sent on.
template <class T>
std::string bytes_of(const T& command)
{
    std::string bytes;
    append_command(bytes, command);
    return bytes;
}

} // namespace

TEST_CASE("the negotiation is three numbers, and what follows is the answer's lists", "[milter][command]")
{
    const std::string bytes = from_hex("00 00 00 0d 4f 00 00 00 06 00 00 01 ff 00 1f ff ff");
    const auto offer = parse_as<Negotiate>(bytes);
    CHECK(offer.version == 6);
    CHECK(offer.actions == 0x1ff);
    CHECK(offer.protocol == 0x1fffff);
    CHECK(offer.macro_lists.empty());
    CHECK(bytes_of(offer) == bytes);

    const std::string answer = packet('O', u32(6) + u32(0x100) + u32(0x9372) + u32(2) + strings({"i {auth_authen}"}));
    CHECK(parse_as<Negotiate>(answer).macro_lists == u32(2) + strings({"i {auth_authen}"}));
    CHECK(bytes_of(parse_as<Negotiate>(answer)) == answer);

    CHECK(error_of(packet('O', u32(6) + u32(0x1ff) + "\0\0\0"s)) ==
          "milter OPTNEG of 11 octets of data, expected at least 12: version, actions, protocol");
}

TEST_CASE("macros are a stage and pairs of strings", "[milter][command]")
{
    const std::string bytes = macros('C', {"j", "mx.example.org", "_", "c.example.net [192.0.2.7]"});
    const auto parsed = parse_as<Macros>(bytes);
    CHECK(parsed.stage == 'C');
    CHECK(parsed.pairs == strings({"j", "mx.example.org", "_", "c.example.net [192.0.2.7]"}));
    CHECK(bytes_of(parsed) == bytes);
}

TEST_CASE("a macro packet may be empty, for any stage", "[milter][command]")
{
    const auto stage = GENERATE('C', 'H', 'M', 'R', 'T', 'L', 'N', 'B', 'E', 'U', 'z', '\0', '\xff');
    const auto parsed = parse_as<Macros>(packet('D', std::string(1, stage)));
    CHECK(parsed.stage == stage);
    CHECK(parsed.pairs.empty());
    CHECK(error_of(packet('D')) == "milter MACRO of 0 octets of data, expected a stage byte");
}

TEST_CASE("the incomplete tail of a macro packet does not count", "[milter][command]")
{
    const std::string whole = strings({"i", "4Qx1"});
    const auto tail =
        GENERATE(as<std::string>(), "", "{auth_authen}", "{auth_authen}\0"s, "{auth_authen}\0alice"s, "\0"s, "\0x"s);
    CAPTURE(tail);
    CHECK(parse_as<Macros>(packet('D', "M" + whole + tail)).pairs == whole);
}

TEST_CASE("the client of CONNECT has an address of its family", "[milter][command]")
{
    SECTION("IPv4")
    {
        const std::string bytes =
            from_hex("00 00 00 1c 43 63 2e 65 78 61 6d 70 6c 65 2e 6e 65 74 00 34 9c 40 31 39 32 2e "
                     "30 2e 32 2e 37 00");
        const auto connect = parse_as<Connect>(bytes);
        CHECK(connect.host == "c.example.net");
        CHECK(connect.family == Family::ipv4);
        CHECK(connect.port == 40000);
        CHECK(connect.address == "192.0.2.7");
        CHECK(bytes_of(connect) == bytes);
    }
    SECTION("IPv6 as Sendmail says it")
    {
        const std::string bytes =
            from_hex("00 00 00 28 43 5b 49 50 76 36 3a 32 30 30 31 3a 64 62 38 3a 3a 37 5d 00 36 00 "
                     "19 49 50 76 36 3a 32 30 30 31 3a 64 62 38 3a 3a 37 00");
        const auto connect = parse_as<Connect>(bytes);
        CHECK(connect.family == Family::ipv6);
        CHECK(connect.port == 25);
        CHECK(connect.address == "IPv6:2001:db8::7");
        CHECK(bytes_of(connect) == bytes);
    }
    SECTION("IPv6 as Postfix says it")
    {
        const auto connect =
            parse_as<Connect>(from_hex("00 00 00 1e 43 5b 32 30 30 31 3a 64 62 38 3a 3a 37 5d 00 36 00 19 "
                                       "32 30 30 31 3a 64 62 38 3a 3a 37 00"));
        CHECK(connect.host == "[2001:db8::7]");
        CHECK(connect.address == "2001:db8::7");
    }
    SECTION("a UNIX socket")
    {
        const std::string bytes = from_hex("00 00 00 11 43 6c 6f 63 61 6c 68 6f 73 74 00 4c 00 00 2f 73 00");
        const auto connect = parse_as<Connect>(bytes);
        CHECK(connect.family == Family::unix_socket);
        CHECK(connect.port == 0);
        CHECK(connect.address == "/s");
        CHECK(bytes_of(connect) == bytes);
        CHECK(parse_as<Connect>(packet('C', "localhost\0L\0\0\0"s)).address.empty());
    }
    SECTION("unknown, where the packet ends after the family")
    {
        const std::string bytes = from_hex("00 00 00 0a 43 75 6e 6b 6e 6f 77 6e 00 55");
        const auto connect = parse_as<Connect>(bytes);
        CHECK(connect.family == Family::unknown);
        CHECK(connect.address.empty());
        CHECK(bytes_of(connect) == bytes);
    }
}

TEST_CASE("the commands of one string", "[milter][command]")
{
    CHECK(parse_as<Helo>(packet('H', strings({"client.example.net"}))).name == "client.example.net");
    CHECK(parse_as<Helo>(packet('H', strings({""}))).name.empty());
    CHECK(parse_as<Unknown>(packet('U', strings({"XFOO bar"}))).line == "XFOO bar");
    CHECK(bytes_of(Helo{"client.example.net"}) == packet('H', strings({"client.example.net"})));
    CHECK(bytes_of(Unknown{"XFOO bar"}) == packet('U', strings({"XFOO bar"})));
}

TEST_CASE("sender and recipient come with their ESMTP arguments, in the client's spelling", "[milter][command]")
{
    const std::string bytes = packet('M', strings({"<a@example.org>", "SIZE=99", "body=8BITMIME"}));
    const auto mail = parse_as<Mail>(bytes);
    CHECK(mail.sender == "<a@example.org>");
    CHECK(texts(mail.arguments) == std::vector<std::string>{"SIZE=99", "body=8BITMIME"});
    CHECK(bytes_of(mail) == bytes);

    const std::string rcpt_bytes = packet('R', strings({"<b@example.net>", "NOTIFY=NEVER"}));
    const auto rcpt = parse_as<Rcpt>(rcpt_bytes);
    CHECK(rcpt.recipient == "<b@example.net>");
    CHECK(texts(rcpt.arguments) == std::vector<std::string>{"NOTIFY=NEVER"});
    CHECK(bytes_of(rcpt) == rcpt_bytes);

    CHECK(parse_as<Mail>(packet('M', strings({"<>"}))).arguments.empty());
    CHECK(parse_as<Mail>(packet('M', strings({""}))).sender.empty());
    CHECK(texts(parse_as<Mail>(packet('M', strings({"<>", "", "SIZE=1"}))).arguments) ==
          std::vector<std::string>{"", "SIZE=1"});
}

TEST_CASE("any byte but NUL is data", "[milter][command]")
{
    const std::string odd = "<\t\r\n\x01\x7f\xff%s@example.org>";
    CHECK(parse_as<Mail>(packet('M', strings({odd}))).sender == odd);
    const std::string long_sender(60000, 'a');
    CHECK(parse_as<Mail>(packet('M', strings({long_sender}))).sender == long_sender);
}

TEST_CASE("headers, body and the rest of the content", "[milter][command]")
{
    const auto header = parse_as<Header>(packet('L', strings({"Subject", " one\n\ttwo"})));
    CHECK(header.name == "Subject");
    CHECK(header.value == " one\n\ttwo");
    CHECK(bytes_of(header) == packet('L', strings({"Subject", " one\n\ttwo"})));
    CHECK(parse_as<Header>(packet('L', strings({"Subject", ""}))).value.empty());

    const std::string with_nul = "a\0b\r\n"s;
    CHECK(parse_as<Body>(packet('B', with_nul)).chunk == with_nul);
    CHECK(bytes_of(Body{with_nul}) == packet('B', with_nul));
    CHECK(parse_as<EndOfMessage>(packet('E', "last\r\n")).chunk == "last\r\n");
    CHECK(parse_as<EndOfMessage>(packet('E')).chunk.empty());
    CHECK(bytes_of(EndOfMessage{}) == packet('E'));
}

TEST_CASE("the commands without data, both ways", "[milter][command]")
{
    CHECK(std::holds_alternative<Data>(parse(packet('T'))));
    CHECK(std::holds_alternative<EndOfHeaders>(parse(packet('N'))));
    CHECK(std::holds_alternative<Abort>(parse(packet('A'))));
    CHECK(std::holds_alternative<Quit>(parse(packet('Q'))));
    CHECK(std::holds_alternative<QuitNewConnection>(parse(packet('K'))));
    CHECK(bytes_of(Command::data) == packet('T'));
    CHECK(bytes_of(Command::end_of_headers) == packet('N'));
    CHECK(bytes_of(Command::abort) == packet('A'));
    CHECK(bytes_of(Command::quit) == packet('Q'));
    CHECK(bytes_of(Command::quit_new_connection) == packet('K'));
}

TEST_CASE("what cannot be understood says what was found and what was expected", "[milter][command]")
{
    const auto [bytes, error] = GENERATE(table<std::string, std::string>({
        {packet('C'), "milter CONNECT of 0 octets of data, expected a host name ending in NUL"},
        {packet('C', "host"), "milter CONNECT of 4 octets of data, expected a host name ending in NUL"},
        {packet('C', "host\0"s), "milter CONNECT of 5 octets of data, expected an address family after the host name"},
        {packet('C', "host\0X\0\0a\0"s),
         "milter CONNECT of 10 octets of data, expected an address family of 4, 6, L or U"},
        {packet('C', "host\0"
                     "4\0"s),
         "milter CONNECT of 7 octets of data, expected a port after the address family"},
        {packet('C', "host\0"
                     "4\0\0192.0.2.7"s),
         "milter CONNECT of 16 octets of data, expected an address ending in NUL"},
        {packet('H'), "milter HELO of 0 octets of data, expected a name ending in NUL"},
        {packet('H', "name"), "milter HELO of 4 octets of data, expected a name ending in NUL"},
        {packet('M'), "milter MAIL of 0 octets of data, expected an address and arguments, each ending in NUL"},
        {packet('M', "<>"), "milter MAIL of 2 octets of data, expected an address and arguments, each ending in NUL"},
        {packet('M', "<>\0SIZE=1"s),
         "milter MAIL of 9 octets of data, expected an address and arguments, each ending in NUL"},
        {packet('R'), "milter RCPT of 0 octets of data, expected an address and arguments, each ending in NUL"},
        {packet('R', "<b@example.net>"),
         "milter RCPT of 15 octets of data, expected an address and arguments, each ending in NUL"},
        {packet('L'), "milter HEADER of 0 octets of data, expected a name and a value, each ending in NUL"},
        {packet('L', "Subject\0"s),
         "milter HEADER of 8 octets of data, expected a name and a value, each ending in NUL"},
        {packet('L', "Subject\0hi"s),
         "milter HEADER of 10 octets of data, expected a name and a value, each ending in NUL"},
        {packet('U'), "milter UNKNOWN of 0 octets of data, expected a line ending in NUL"},
        {packet('Z'), "milter command 0x5a, expected one of O D C H M R T L N B E A Q K U"},
        {packet('\0'), "milter command 0x00, expected one of O D C H M R T L N B E A Q K U"},
        {packet('\xff'), "milter command 0xff, expected one of O D C H M R T L N B E A Q K U"},
        {packet('o'), "milter command 0x6f, expected one of O D C H M R T L N B E A Q K U"},
    }));
    CHECK(error_of(bytes) == error);
}

TEST_CASE("only a pair of angle brackets around an address is taken off", "[milter][command]")
{
    CHECK(without_brackets("<a@example.org>") == "a@example.org");
    CHECK(without_brackets("a@example.org") == "a@example.org");
    CHECK(without_brackets("<>").empty());
    CHECK(without_brackets("").empty());
    CHECK(without_brackets("<") == "<");
    CHECK(without_brackets("<a@example.org") == "<a@example.org");
    CHECK(without_brackets("<<a@example.org>>") == "<a@example.org>");
}
