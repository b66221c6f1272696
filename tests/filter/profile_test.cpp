#include "filter/profile.hpp"

#include <catch2/catch.hpp>

#include "proto/milter/command.hpp"
#include "proto/milter/session_table.hpp"
#include "tests/support/packets.hpp"

using namespace smtpauth;
using namespace smtpauth::milter;

namespace {

/// The commands that an MTA of these means would send, and those of them that it would wait for.
std::string sent(std::uint32_t protocol_bits)
{
    constexpr std::pair<char, std::uint32_t> declined[] = {
        {'C', protocol::no_connect}, {'H', protocol::no_helo},           {'M', protocol::no_mail},
        {'R', protocol::no_rcpt},    {'T', protocol::no_data},           {'L', protocol::no_headers},
        {'B', protocol::no_body},    {'N', protocol::no_end_of_headers}, {'U', protocol::no_unknown},
    };
    std::string commands;
    for (const auto& [command, bit] : declined)
        if ((protocol_bits & bit) == 0)
            commands.push_back(command);
    return commands;
}

std::string answered(std::uint32_t protocol_bits)
{
    std::string commands;
    for (const char command : sent(protocol_bits))
        if (reply_due(command, protocol_bits))
            commands.push_back(command);
    return commands;
}

bool lists(const Wish& wish, MacroStage stage, std::string_view name)
{
    const std::string padded = " " + std::string(wish.macro_lists[static_cast<std::size_t>(stage)]) + " ";
    return padded.find(" " + std::string(name) + " ") != std::string::npos;
}

} // namespace

TEST_CASE("an MTA sends what is needed and waits at MAIL only", "[filter][profile]")
{
    CHECK(sent(wish({false, false}).protocol) == "CMR");
    CHECK(sent(wish({true, false}).protocol) == "CMRLB");
    CHECK(answered(wish({false, false}).protocol) == "M");
    CHECK(answered(wish({true, false}).protocol) == "M");
}

TEST_CASE("quarantine is always asked for, and modifications never", "[filter][profile]")
{
    const bool count = GENERATE(false, true);
    CHECK(wish({count, false}).actions == (action::quarantine | action::set_macro_lists));
}

TEST_CASE("headers that are counted come with their leading blank", "[filter][profile]")
{
    CHECK((wish({true, false}).protocol & protocol::header_leading_space) != 0);
}

TEST_CASE("every macro that is read is asked for", "[filter][profile]")
{
    const bool count = GENERATE(false, true);
    const Wish& w = wish({count, false});
    CHECK(lists(w, MacroStage::mail, "{auth_authen}"));
    CHECK(lists(w, MacroStage::mail, "i"));
    CHECK(lists(w, MacroStage::helo, "{cert_subject}"));
    CHECK(lists(w, MacroStage::rcpt, "{rcpt_mailer}"));
    CHECK(lists(w, MacroStage::end_of_message, "i"));
    CHECK(lists(w, MacroStage::end_of_message, "{msg_size}"));
    // Sendmail takes the list of end of message only together with one for the end of headers.
    CHECK(lists(w, MacroStage::end_of_headers, "{msg_size}"));
    // An empty list would mean the MTA's own to Postfix and none to Sendmail.
    for (const std::string_view list : w.macro_lists)
        CHECK_FALSE(list.empty());
}

TEST_CASE("the same wish is given to all connections", "[filter][profile]")
{
    CHECK(&wish({true, false}) == &wish({true, false}));
    CHECK(&wish({true, false}) != &wish({false, false}));
}

TEST_CASE("the size is counted until the MTA was seen to tell it", "[filter][profile]")
{
    SizeSource source(MessageSize::auto_);
    CHECK(source.must_count());
    CHECK(source.reads_macro());
    source.learn(true);
    CHECK_FALSE(source.must_count());
    source.learn(false);
    CHECK(source.must_count());
}

TEST_CASE("a setting decides once and for all", "[filter][profile]")
{
    const auto [setting, counts, reads] = GENERATE(table<MessageSize, bool, bool>({
        {MessageSize::count, true, false},
        {MessageSize::macro, false, true},
        {MessageSize::off, false, false},
    }));
    SizeSource source(setting);
    for (const bool seen : {false, true, false}) {
        CHECK(source.must_count() == counts);
        CHECK(source.reads_macro() == reads);
        source.learn(seen);
    }
}
