#include "proto/milter/mta_session.hpp"

#include <random>

#include <catch2/catch.hpp>

#include "proto/milter/session.hpp"
#include "tests/support/packets.hpp"

using namespace smtpauth::milter;
using namespace smtpauth::test;

namespace {

/// Both roles, joined without a socket: the filter answers everything with CONTINUE.
class Pair {
public:
    Pair(const Negotiate& offer, const Wish& wish) : mta_(offer), filter_(wish)
    {
        std::string bytes;
        mta_.append_offer(bytes);
        const auto reply = exchange(bytes);
        REQUIRE(reply);
        const auto error = mta_.accept_negotiation(std::get<ParsedReply>(*reply).negotiate);
        if (error)
            FAIL(error->error);
    }

    const MtaSession& mta() const { return mta_; }
    const Session& filter() const { return filter_; }

    /// The first reply to these bytes.
    std::optional<std::variant<Malformed, ParsedReply>> exchange(const std::string& bytes)
    {
        filter_.receive(bytes);
        for (;;) {
            const Step step = filter_.next();
            if (const auto* closed = std::get_if<Closed>(&step))
                error_ = closed->error;
            if (!std::holds_alternative<Received>(step))
                break;
            filter_.answer({});
        }
        replies_ = std::move(filter_.output());
        filter_.output().clear();
        mta_.receive(replies_);
        return mta_.next_reply();
    }

    auto next_reply() { return mta_.next_reply(); }
    const std::string& error() const { return error_; }

private:
    MtaSession mta_;
    Session filter_;
    std::string replies_;
    std::string error_;
};

const Wish macro_wish = [] {
    Wish wish{.actions = action::set_macro_lists, .protocol = protocol::no_helo | protocol::no_reply_rcpt};
    wish.macro_lists[static_cast<std::size_t>(MacroStage::mail)] = "i {auth_authen}";
    return wish;
}();

std::string packet_of(Command command)
{
    std::string bytes;
    switch (command) {
    case Command::connect:
        append_command(bytes, Connect{"localhost", Family::unknown, 0, {}});
        break;
    case Command::helo:
        append_command(bytes, Helo{"client.example.net"});
        break;
    case Command::mail:
        append_command(bytes, Mail{"<a@example.org>", {}});
        break;
    case Command::rcpt:
        append_command(bytes, Rcpt{"<b@example.net>", {}});
        break;
    case Command::header:
        append_command(bytes, Header{"Subject", "t"});
        break;
    case Command::body:
        append_command(bytes, Body{"Hi\r\n"});
        break;
    case Command::unknown:
        append_command(bytes, Unknown{"XFOO"});
        break;
    case Command::macros:
        append_command(bytes, Macros{'M', {}});
        break;
    default:
        append_command(bytes, command);
    }
    return bytes;
}

} // namespace

TEST_CASE("the MTA's role keeps to what the filter answered", "[milter][mta]")
{
    const Pair pair({6, 0x1ff, 0x1fffff, {}}, macro_wish);
    CHECK(pair.mta().agreement().protocol == (protocol::no_helo | protocol::no_reply_rcpt));
    CHECK_FALSE(pair.mta().wanted(Command::helo));
    CHECK(pair.mta().wanted(Command::mail));
    CHECK(pair.mta().wanted(Command::abort));
    CHECK(pair.mta().expects_reply(Command::mail));
    CHECK_FALSE(pair.mta().expects_reply(Command::rcpt));
    CHECK_FALSE(pair.mta().expects_reply(Command::abort));
    CHECK(pair.mta().macro_list(MacroStage::mail) == "i {auth_authen}");
    CHECK(pair.mta().macro_list(MacroStage::connect).empty());
}

TEST_CASE("each command can be declined, but end of message and the end itself", "[milter][mta]")
{
    const Pair pair({6, 0x1ff, 0x1fffff, {}}, {.actions = 0, .protocol = 0x1fffff});
    for (const char letter : std::string_view("CHMRTLNBU")) {
        CAPTURE(letter);
        CHECK_FALSE(pair.mta().wanted(Command{letter}));
    }
    for (const char letter : std::string_view("EAQKD"))
        CHECK(pair.mta().wanted(Command{letter}));
}

TEST_CASE("an old MTA knows no new commands", "[milter][mta]")
{
    const auto [version, unknown, data, quit_nc] = GENERATE(table<std::uint32_t, bool, bool, bool>({
        {2, false, false, false},
        {3, true, false, false},
        {4, true, true, false},
        {6, true, true, true},
    }));
    const Pair pair({version, 0x3f, 0x7f, {}}, Wish{});
    CHECK(pair.mta().wanted(Command::unknown) == unknown);
    CHECK(pair.mta().wanted(Command::data) == data);
    CHECK(pair.mta().wanted(Command::quit_new_connection) == quit_nc);
}

TEST_CASE("replies out of step are an error", "[milter][mta]")
{
    MtaSession mta(Negotiate{});
    const std::string bytes = u32(0);
    mta.receive(bytes);
    const auto reply = mta.next_reply();
    REQUIRE(reply);
    CHECK(std::get<Malformed>(*reply).error == "milter packet length 0, expected 1 to 1048576");
}

// The property on which everything rests: a reply too many or too few and each later verdict hits the wrong command.
TEST_CASE("whatever was negotiated, each command that expects a reply gets exactly one", "[milter][mta]")
{
    const auto seed = GENERATE(range(0U, 200U));
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::uint32_t versions[] = {2, 3, 4, 6, 7};
    const std::uint32_t masks[] = {0x7f, 0x17f, 0x37f, 0x1fffff, 0x1fffff};
    const std::size_t age = random() % 5;
    const Wish wish{.actions = static_cast<std::uint32_t>(random() & 0x1ff),
                    .protocol = static_cast<std::uint32_t>(random() & 0x1fffff)};
    Pair pair({versions[age], 0x1ff, masks[age], {}}, wish);

    std::string sent;
    for (int count = 0; count < 60; ++count) {
        const State state = pair.filter().state();
        const std::string_view letters = state == State::in_message ? "DMRTLNBUEACHK" : "DCHUAKM";
        const Command command{letters[random() % letters.size()]};
        if (!pair.mta().wanted(command))
            continue;
        sent += static_cast<char>(command);
        CAPTURE(sent);
        const auto reply = pair.exchange(packet_of(command));
        REQUIRE(pair.error().empty());
        REQUIRE(reply.has_value() == pair.mta().expects_reply(command));
        if (reply)
            REQUIRE(std::get<ParsedReply>(*reply).reply == Reply::proceed);
        REQUIRE_FALSE(pair.next_reply());
    }
}
