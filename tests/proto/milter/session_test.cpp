#include "proto/milter/session.hpp"

#include <catch2/catch.hpp>

#include "proto/milter/command.hpp"
#include "tests/support/packets.hpp"

using namespace smtpauth::milter;
using namespace smtpauth::test;
using Kind = Answer::Kind;

namespace {

/// A filter that answers everything alike, and what became of it.
class Filter {
public:
    explicit Filter(const Wish& wish = everything()) : session_(wish) {}

    /// Says these bytes to the filter and returns its replies, as commands_in() shows them.
    std::string say(const std::string& bytes) { return commands_in(answer_to(bytes)); }

    std::string answer_to(const std::string& bytes)
    {
        session_.output().clear();
        session_.receive(bytes);
        for (;;) {
            Step step = session_.next();
            if (std::holds_alternative<NeedInput>(step))
                break;
            if (auto* closed = std::get_if<Closed>(&step)) {
                closed_ = true;
                error_ = closed->error;
                break;
            }
            const auto& received = std::get<Received>(step);
            seen_.push_back(std::visit([](const auto& command) { return letter(command); }, received.command));
            dropped_ += received.drops_message ? 1 : 0;
            session_.answer(next_answer);
            next_answer = {};
        }
        return session_.output();
    }

    /// Answers the next command only.
    Answer next_answer;

    Session& session() { return session_; }
    const std::string& seen() const { return seen_; }
    int dropped() const { return dropped_; }
    bool closed() const { return closed_; }
    const std::string& error() const { return error_; }

private:
    static const Wish& everything()
    {
        static const Wish wish{};
        return wish;
    }

    static char letter(const Connect&) { return 'C'; }
    static char letter(const Helo&) { return 'H'; }
    static char letter(const Mail&) { return 'M'; }
    static char letter(const Rcpt&) { return 'R'; }
    static char letter(const Data&) { return 'T'; }
    static char letter(const Header&) { return 'L'; }
    static char letter(const EndOfHeaders&) { return 'N'; }
    static char letter(const Body&) { return 'B'; }
    static char letter(const EndOfMessage&) { return 'E'; }
    static char letter(const Abort&) { return 'A'; }
    static char letter(const QuitNewConnection&) { return 'K'; }
    static char letter(const Unknown&) { return 'U'; }
    template <class Other>
    static char letter(const Other&)
    {
        return '?';
    }

    Session session_;
    std::string seen_;
    int dropped_ = 0;
    bool closed_ = false;
    std::string error_;
};

/// A packet of each command, as simple as may be.
std::string command(char letter)
{
    switch (letter) {
    case 'O':
        return offer();
    case 'D':
        return macros('M', {"{auth_authen}", "alice"});
    case 'C':
        return packet('C', strings({"localhost"}) + "U");
    case 'H':
    case 'U':
        return packet(letter, strings({"client.example.net"}));
    case 'M':
        return packet('M', strings({"<a@example.org>"}));
    case 'R':
        return packet('R', strings({"<b@example.net>"}));
    case 'L':
        return packet('L', strings({"Subject", "t"}));
    case 'B':
        return packet('B', "Hi\r\n");
    default:
        return packet(letter);
    }
}

std::string commands(std::string_view letters)
{
    std::string bytes;
    for (const char letter : letters)
        bytes += command(letter);
    return bytes;
}

} // namespace

TEST_CASE("a session as Postfix speaks it, with ABORT after every message", "[milter][session]")
{
    Filter filter;
    CHECK(filter.say(commands("O")) == "O");
    CHECK(filter.say(commands("DC")) == "c");
    CHECK(filter.say(commands("DH")) == "c");
    CHECK(filter.say(commands("DM")) == "c");
    CHECK(filter.say(commands("DR")) == "c");
    CHECK(filter.say(commands("DT")) == "c");
    CHECK(filter.say(commands("DL")) == "c");
    CHECK(filter.say(commands("DN")) == "c");
    CHECK(filter.say(commands("DB")) == "c");
    CHECK(filter.say(commands("DE")) == "c");
    CHECK(filter.say(commands("A")).empty());
    CHECK(filter.say(commands("DMRE")) == "ccc");
    CHECK(filter.say(commands("AAQ")).empty());
    CHECK(filter.closed());
    CHECK(filter.error().empty());
    CHECK(filter.dropped() == 0);
}

TEST_CASE("a session as Sendmail speaks it, MAIL after end of message", "[milter][session]")
{
    Filter filter;
    CHECK(filter.say(commands("ODCDHDMDRTLNBDE")) == "Occccccccc");
    CHECK(filter.say(commands("DMDRTNDE")) == "ccccc");
    CHECK(filter.say(commands("Q")).empty());
    CHECK(filter.error().empty());
    CHECK(filter.dropped() == 0);
}

TEST_CASE("MAIL may follow an open message without ABORT, and drops it", "[milter][session]")
{
    Filter filter;
    filter.say(commands("OCHMR"));
    CHECK(filter.dropped() == 0);
    CHECK(filter.say(commands("M")) == "c");
    CHECK(filter.dropped() == 1);
    CHECK(filter.say(commands("RE")) == "cc");
    CHECK(filter.dropped() == 1);
}

TEST_CASE("what ends an open message says that it does", "[milter][session]")
{
    const auto [letter, drops] = GENERATE(table<char, int>({{'A', 1},
                                                            {'M', 1},
                                                            {'H', 1},
                                                            {'C', 1},
                                                            {'K', 1},
                                                            {'E', 0},
                                                            {'R', 0},
                                                            {'T', 0},
                                                            {'L', 0},
                                                            {'N', 0},
                                                            {'B', 0},
                                                            {'U', 0}}));
    CAPTURE(letter);
    Filter filter;
    filter.say(commands("OCMR"));
    filter.say(command(letter));
    CHECK_FALSE(filter.closed());
    CHECK(filter.dropped() == drops);
}

TEST_CASE("ABORT outside a message is nothing, however often it comes", "[milter][session]")
{
    Filter filter;
    CHECK(filter.say(commands("OAACAAHAMREAAMAAQ")) == "Occcccc");
    CHECK(filter.closed());
    CHECK(filter.error().empty());
    CHECK(filter.dropped() == 1);
}

TEST_CASE("the order table", "[milter][session]")
{
    const std::string all = "ODCHMRTLNBEAQKU";
    const auto [before, allowed] = GENERATE(table<std::string, std::string>({
        {"", "OQ"},
        {"O", "DCHMAQKU"},
        {"OC", "DCHMAQKU"},
        {"OCH", "DCHMAQKU"},
        {"OCM", "DCHMRTLNBEAQKU"},
        {"OCMRTLNB", "DCHMRTLNBEAQKU"},
        {"OCMRE", "DCHMAQKU"},
        {"OCMA", "DCHMAQKU"},
        {"OCMK", "DCHMAQKU"},
    }));
    for (const char letter : all) {
        CAPTURE(before, letter);
        Filter filter;
        filter.say(commands(before));
        REQUIRE_FALSE(filter.closed());
        filter.say(command(letter));
        CHECK((filter.closed() && !filter.error().empty()) == (allowed.find(letter) == std::string::npos));
    }
}

TEST_CASE("a command out of order is named, and never answered", "[milter][session]")
{
    Filter filter;
    SECTION("before the negotiation")
    {
        CHECK(filter.say(commands("M")).empty());
        CHECK(filter.error() == "milter MAIL out of order, expected OPTNEG first");
    }
    SECTION("a second negotiation")
    {
        filter.say(commands("OC"));
        CHECK(filter.say(commands("O")).empty());
        CHECK(filter.error() == "milter OPTNEG out of order, expected MAIL or another command outside a message");
    }
    SECTION("a recipient without a sender")
    {
        filter.say(commands("OCH"));
        CHECK(filter.say(commands("R")).empty());
        CHECK(filter.error() == "milter RCPT out of order, expected MAIL or another command outside a message");
    }
    SECTION("a second negotiation in a message")
    {
        filter.say(commands("OCHM"));
        CHECK(filter.say(commands("O")).empty());
        CHECK(filter.error() == "milter OPTNEG out of order, expected a command of the open message");
    }
}

TEST_CASE("a malformed packet and a length out of range end the session", "[milter][session]")
{
    Filter filter;
    filter.say(commands("OC"));
    SECTION("malformed")
    {
        filter.say(packet('H', "no NUL"));
        CHECK(filter.error() == "milter HELO of 6 octets of data, expected a name ending in NUL");
    }
    SECTION("out of range")
    {
        filter.say(u32(0));
        CHECK(filter.error() == "milter packet length 0, expected 1 to 1048576");
    }
    SECTION("what came before is answered")
    {
        CHECK(filter.say(commands("M") + u32(0)) == "c");
    }
}

TEST_CASE("an MTA of version 1 gets no answer", "[milter][session]")
{
    Filter filter;
    CHECK(filter.say(offer(1, 0x0f, 0x3f)).empty());
    CHECK(filter.error() == "milter protocol version 1, expected 2 or later");
}

TEST_CASE("exactly the commands that want a reply get one, under every no-reply flag", "[milter][session]")
{
    struct Flag {
        std::uint32_t bit;
        char command;
    };
    const auto flag = GENERATE(Flag{protocol::no_reply_connect, 'C'}, Flag{protocol::no_reply_helo, 'H'},
                               Flag{protocol::no_reply_mail, 'M'}, Flag{protocol::no_reply_rcpt, 'R'},
                               Flag{protocol::no_reply_data, 'T'}, Flag{protocol::no_reply_header, 'L'},
                               Flag{protocol::no_reply_end_of_headers, 'N'}, Flag{protocol::no_reply_body, 'B'},
                               Flag{protocol::no_reply_unknown, 'U'}, Flag{0, 'x'});
    CAPTURE(flag.command);
    const Wish wish{.actions = 0, .protocol = flag.bit};
    Filter filter(wish);
    filter.say(commands("O"));
    for (const char letter : std::string_view("CHUMRTLNBE")) {
        CAPTURE(letter);
        CHECK(filter.say(command(letter)) == (letter == flag.command ? "" : "c"));
    }
}

TEST_CASE("without the offer of no-reply flags the filter answers all by itself", "[milter][session]")
{
    const Wish wish{.actions = 0, .protocol = 0xffffffff};
    Filter filter(wish);
    filter.say(offer(2, 0x3f, 0x7f));
    CHECK(filter.say(commands("CHMRLNBE")) == "cccccccc");
}

TEST_CASE("a refusal where no reply is due is void", "[milter][session]")
{
    const Wish wish{.actions = 0, .protocol = protocol::no_reply_mail | protocol::no_reply_rcpt};
    Filter filter(wish);
    filter.say(commands("OC"));
    filter.next_answer = {Kind::reject};
    CHECK(filter.say(commands("M")).empty());
    filter.next_answer = {Kind::reject};
    CHECK(filter.say(commands("R")).empty());
    CHECK(filter.say(commands("E")) == "c");
}

TEST_CASE("answering twice sends one reply", "[milter][session]")
{
    Filter filter;
    filter.say(commands("OC"));
    CHECK(filter.say(commands("M")) == "c");
    filter.session().output().clear();
    CHECK_FALSE(filter.session().reply_is_due());
    filter.session().answer({});
    CHECK(filter.session().output().empty());
}

TEST_CASE("pipelined commands are answered in their order", "[milter][session]")
{
    Filter filter;
    filter.say(commands("OC"));
    filter.next_answer = {Kind::reject};
    CHECK(filter.say(commands("MAMREQ")) == "rccc");
    CHECK(filter.seen() == "CMAMRE");
    CHECK(filter.closed());
}

TEST_CASE("after a refused sender the message is over; the next one may come", "[milter][session]")
{
    const auto kind = GENERATE(Kind::reject, Kind::tempfail, Kind::reply_code, Kind::discard, Kind::accept);
    Filter filter;
    filter.say(commands("OCH"));
    filter.next_answer = {kind, "550 5.7.1 Access denied"};
    filter.say(commands("M"));
    CHECK(filter.session().state() == State::idle);
    CHECK(filter.say(commands("AMRE")) == "ccc");
    CHECK(filter.dropped() == 0);
}

TEST_CASE("what an answer means for the open message depends on the command", "[milter][session]")
{
    const auto [letter, kind, state] = GENERATE(table<char, Kind, State>({
        {'R', Kind::reject, State::in_message},
        {'R', Kind::tempfail, State::in_message},
        {'R', Kind::reply_code, State::in_message},
        {'R', Kind::discard, State::idle},
        {'R', Kind::accept, State::idle},
        {'U', Kind::reject, State::in_message},
        {'U', Kind::discard, State::in_message},
        {'U', Kind::accept, State::idle},
        {'T', Kind::reject, State::idle},
        {'L', Kind::tempfail, State::idle},
        {'N', Kind::reply_code, State::idle},
        {'B', Kind::discard, State::idle},
        {'B', Kind::skip, State::in_message},
        {'B', Kind::proceed, State::in_message},
    }));
    CAPTURE(letter, static_cast<int>(kind));
    Filter filter;
    filter.say(commands("OCMR"));
    filter.next_answer = {kind, "550 5.7.1 Access denied"};
    filter.say(command(letter));
    CHECK(filter.session().state() == state);
}

TEST_CASE("progress can be sent before the answer to end of message", "[milter][session]")
{
    const Wish wish{};
    Session session(wish);
    const std::string bytes = commands("OCMRE");
    session.receive(bytes);
    for (int command = 0; command < 4; ++command) {
        if (command > 0)
            session.answer({});
        REQUIRE(std::holds_alternative<Received>(session.next()));
    }
    session.output().clear();
    session.progress();
    session.progress();
    session.answer({});
    CHECK(commands_in(session.output()) == "ppc");
}

TEST_CASE("QUIT_NC forgets the client and keeps what was negotiated", "[milter][session]")
{
    const Wish wish{.actions = action::quarantine, .protocol = protocol::no_reply_connect};
    Filter filter(wish);
    filter.say(offer());
    filter.say(macros('C', {"{daemon_name}", "smtp"}) + command('C') + macros('M', {"i", "1"}) + commands("MR"));
    CHECK(filter.say(commands("K")).empty());
    CHECK(filter.dropped() == 1);
    CHECK(filter.session().macros().find("{daemon_name}") == std::nullopt);
    CHECK(filter.session().agreement().protocol == protocol::no_reply_connect);
    CHECK(filter.say(commands("CHMRE")) == "cccc");
}

TEST_CASE("packets without a message end the session, a message begins the count anew", "[milter][session]")
{
    Filter filter;
    filter.say(offer());
    const auto idle = [&filter](int packets) {
        for (int sent = 0; sent < packets; ++sent)
            filter.say(packet('A'));
    };
    idle(900);
    filter.say(packet('M', strings({"<>"})));
    idle(1000);
    CHECK_FALSE(filter.closed());
    idle(1);
    CHECK(filter.closed());
    CHECK(filter.error() == "more than 1000 milter packets without a message");
}

TEST_CASE("what each event does to the macros of all stages", "[milter][session]")
{
    // The reset table of docs/formats/milter.md. C has the macro c, H h, M m, E e.
    const std::string session_start =
        macros('C', {"{c}", "1"}) + command('C') + macros('H', {"{h}", "1"}) + command('H');
    const std::string message = macros('M', {"{m}", "1"}) + command('M') + macros('R', {"{r}", "1"}) + command('R') +
                                macros('T', {"{t}", "1"}) + command('T') + macros('N', {"{n}", "1"}) + command('N') +
                                macros('E', {"{e}", "1"}) + command('E');
    const auto [event, left] = GENERATE(table<std::string, std::string>({
        {"", "chmrtne"}, // still known after the end of message
        {"M", "ch"},
        {"A", "ch"},
        {"H", "c"},
        {"C", ""},
        {"K", ""},
        {"U", "chmrtne"},
    }));
    CAPTURE(event);

    Filter filter;
    filter.say(offer() + session_start + message + commands(event));
    REQUIRE_FALSE(filter.closed());
    std::string known;
    for (const char name : std::string_view("chmrtne"))
        if (filter.session().macros().find(std::string(1, name)))
            known.push_back(name);
    CHECK(known == left);
}

TEST_CASE("more macros than any MTA sends end the session", "[milter][session]")
{
    Filter filter;
    filter.say(commands("O"));
    filter.say(macros('C', {"{c}", std::string(200'000, 'x')}));
    CHECK_FALSE(filter.closed());
    filter.say(macros('M', {"{m}", std::string(100'000, 'x')}));
    CHECK(filter.error() == "milter macros of 300010 octets, expected at most 262144");
}

TEST_CASE("more macros than any MTA has end the connection: each look-up would go over them", "[milter][session]")
{
    Filter filter;
    filter.say(commands("O"));
    std::string pairs;
    for (int i = 0; i < 129; ++i)
        pairs.append("x").push_back('\0');
    pairs += pairs;
    filter.say(packet('D', "C" + pairs));
    CHECK(filter.error() == "129 milter macros of one stage, expected at most 128");
}

TEST_CASE("bytes that go while an answer waits are kept first", "[milter][session]")
{
    const Wish wish{};
    Session session(wish);
    {
        const std::string bytes = commands("OMRE") + commands("MQ").substr(0, 9);
        session.receive(bytes);
        for (int command = 0; command < 3; ++command) {
            if (command > 0)
                session.answer({});
            REQUIRE(std::holds_alternative<Received>(session.next()));
        }
        session.keep_rest();
    }
    session.answer({});
    REQUIRE(std::holds_alternative<NeedInput>(session.next()));
    CHECK(session.in_packet());
    const std::string rest = commands("MQ").substr(9);
    session.receive(rest);
    const Step step = session.next();
    REQUIRE(std::holds_alternative<Received>(step));
    CHECK(std::get<Mail>(std::get<Received>(step).command).sender == "<a@example.org>");
}

TEST_CASE("the worked session of the protocol's description, byte for byte", "[milter][session]")
{
    Wish wish{.actions = action::set_macro_lists, .protocol = 0x9372};
    wish.macro_lists[static_cast<std::size_t>(MacroStage::mail)] = "i {auth_authen}";
    wish.macro_lists[static_cast<std::size_t>(MacroStage::end_of_message)] = "i";
    Filter filter(wish);

    CHECK(
        filter.answer_to(from_hex("00 00 00 0d 4f 00 00 00 06 00 00 01 ff 00 1f ff ff")) ==
        from_hex("00 00 00 27 4f 00 00 00 06 00 00 01 00 00 00 93 72 00 00 00 02 69 20 7b 61 75 74 68 5f 61 75 74 68 65"
                 "6e 7d 00 00 00 00 05 69 00"));
    // Macros and CONNECT, then the empty macros of HELO: no reply to any.
    CHECK(filter
              .answer_to(
                  from_hex("00 00 00 2f 44 43 6a 00 6d 78 2e 65 78 61 6d 70 6c 65 2e 6f 72 67 00 5f 00 63 2e 65 78 61"
                           "6d 70 6c 65 2e 6e 65 74 20 5b 31 39 32 2e 30 2e 32 2e 37 5d 00"))
              .empty());
    CHECK(
        filter
            .answer_to(from_hex("00 00 00 1c 43 63 2e 65 78 61 6d 70 6c 65 2e 6e 65 74 00 34 9c 40 31 39 32 2e 30 2e 32"
                                "2e 37 00"))
            .empty());
    CHECK(filter.answer_to(from_hex("00 00 00 02 44 48")).empty());
    // The account is on the list.
    CHECK(
        filter
            .answer_to(from_hex("00 00 00 18 44 4d 7b 61 75 74 68 5f 61 75 74 68 65 6e 7d 00 73 70 61 6d 6d 65 72 00"))
            .empty());
    CHECK(filter.session().macros().find("{auth_authen}") == "spammer");
    filter.next_answer = {Kind::reply_code, "550 5.7.1 Access denied"};
    CHECK(
        filter.answer_to(from_hex("00 00 00 19 4d 3c 61 40 65 78 61 6d 70 6c 65 2e 6f 72 67 3e 00 53 49 5a 45 3d 39 39"
                                  "00")) ==
        from_hex("00 00 00 19 79 35 35 30 20 35 2e 37 2e 31 20 41 63 63 65 73 73 20 64 65 6e 69 65 64 00"));
    CHECK(filter.answer_to(from_hex("00 00 00 01 41")).empty());
    // Another account's message, with the null sender.
    CHECK(filter.answer_to(from_hex("00 00 00 16 44 4d 7b 61 75 74 68 5f 61 75 74 68 65 6e 7d 00 61 6c 69 63 65 00"
                                    "00 00 00 04 4d 3c 3e 00")) == from_hex("00 00 00 01 63"));
    CHECK(filter.session().macros().find("{auth_authen}") == "alice");
    CHECK(
        filter
            .answer_to(from_hex("00 00 00 1c 44 52 7b 72 63 70 74 5f 61 64 64 72 7d 00 62 40 65 78 61 6d 70 6c 65 2e 6e"
                                "65 74 00 00 00 00 11 52 3c 62 40 65 78 61 6d 70 6c 65 2e 6e 65 74 3e 00"))
            .empty());
    CHECK(filter.answer_to(from_hex("00 00 00 09 44 45 69 00 34 51 78 31 00 00 00 00 01 45")) ==
          from_hex("00 00 00 01 63"));
    CHECK(filter.session().macros().find("i") == "4Qx1");
    CHECK(filter.answer_to(from_hex("00 00 00 01 51")).empty());
    CHECK(filter.closed());
    CHECK(filter.error().empty());
    CHECK(filter.seen() == "CMAMRE");
}
