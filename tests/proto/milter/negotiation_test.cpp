#include "proto/milter/negotiation.hpp"

#include <catch2/catch.hpp>

#include "tests/support/packets.hpp"

using namespace smtpauth::milter;
using namespace smtpauth::test;

namespace {

/// A filter that wants everything there is.
const Wish greedy{.actions = 0xffffffff, .protocol = 0xffffffff};

Agreement agreed(const Negotiate& offer, const Wish& wish = greedy)
{
    const auto result = negotiate(offer, wish);
    if (const auto* malformed = std::get_if<Malformed>(&result))
        FAIL(malformed->error);
    return std::get<Agreement>(result);
}

Negotiate answer_to(const Negotiate& offer, const Wish& wish, std::string& memory)
{
    append_negotiation(memory, agreed(offer, wish), wish);
    PacketDecoder decoder;
    decoder.feed(memory);
    const auto packet = decoder.next();
    REQUIRE(packet);
    const auto command = parse_command(*packet);
    REQUIRE(std::holds_alternative<Negotiate>(command));
    return std::get<Negotiate>(command);
}

std::string error_of(const std::variant<Malformed, Agreement>& result)
{
    const auto* malformed = std::get_if<Malformed>(&result);
    return malformed != nullptr ? malformed->error : "none";
}

Wish wish_with_lists(std::uint32_t actions = action::set_macro_lists)
{
    Wish wish{.actions = actions, .protocol = 0};
    wish.macro_lists[static_cast<std::size_t>(MacroStage::mail)] = "i {auth_authen}";
    wish.macro_lists[static_cast<std::size_t>(MacroStage::end_of_message)] = "i {msg_size}";
    wish.macro_lists[static_cast<std::size_t>(MacroStage::end_of_headers)] = "i";
    return wish;
}

} // namespace

TEST_CASE("the lower version is the one that is spoken", "[milter][negotiation]")
{
    const auto [offered, spoken] = GENERATE(
        table<std::uint32_t, std::uint32_t>({{2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 6}, {7, 6}, {0xffffffff, 6}}));
    CHECK(agreed({offered, 0x1ff, 0x1fffff, {}}).version == spoken);
}

TEST_CASE("an MTA from before version 2 is refused", "[milter][negotiation]")
{
    CHECK(error_of(negotiate({1, 0x0f, 0x3f, {}}, greedy)) == "milter protocol version 1, expected 2 or later");
    CHECK(error_of(negotiate({0, 0x0f, 0x3f, {}}, greedy)) == "milter protocol version 0, expected 2 or later");
}

TEST_CASE("a filter never asks for more than was offered, however much it wishes", "[milter][negotiation]")
{
    const auto [version, actions, protocol] = GENERATE(table<std::uint32_t, std::uint32_t, std::uint32_t>({
        {2, 0x3f, 0x7f},
        {3, 0x3f, 0x17f},
        {4, 0x3f, 0x37f},
        {6, 0x1ff, 0x1fffff},
        {6, 0x001, 0x000001},
        {6, 0x1ff, 0x301fffff},
    }));
    const Agreement agreement = agreed({version, actions, protocol, {}});
    CHECK(agreement.actions == actions);
    CHECK(agreement.protocol == protocol);
}

TEST_CASE("a filter gets no more than it wishes", "[milter][negotiation]")
{
    const Agreement agreement =
        agreed({6, 0x1ff, 0x1fffff, {}}, {.actions = action::quarantine, .protocol = protocol::no_helo});
    CHECK(agreement.actions == action::quarantine);
    CHECK(agreement.protocol == protocol::no_helo);
    CHECK(agreement.may(action::quarantine));
    CHECK_FALSE(agreement.may(action::set_macro_lists));
    CHECK(agreement.has(protocol::no_helo));
    CHECK_FALSE(agreement.has(protocol::no_body));
}

TEST_CASE("masks of zero stand for the sets of version 1", "[milter][negotiation]")
{
    const Negotiate offer{2, 0, 0, {}};
    CHECK(agreed(offer).actions == 0x0f);
    CHECK(agreed(offer).protocol == 0x3f);
    CHECK(error_of(check_negotiation(offer, {2, 0x0f, 0x3f, {}})) == "none");
    CHECK(error_of(check_negotiation(offer, {2, 0, 0x40, {}})) == "milter answered with bits that were not offered");
}

TEST_CASE("macro lists travel from the filter to the MTA, stage by stage", "[milter][negotiation]")
{
    const Wish wish = wish_with_lists();
    std::string memory;
    const Negotiate answer = answer_to({6, 0x1ff, 0x1fffff, {}}, wish, memory);
    CHECK(answer.macro_lists ==
          u32(2) + strings({"i {auth_authen}"}) + u32(5) + strings({"i {msg_size}"}) + u32(6) + strings({"i"}));

    const auto lists = read_macro_lists(answer.macro_lists);
    CHECK(lists[static_cast<std::size_t>(MacroStage::mail)] == "i {auth_authen}");
    CHECK(lists[static_cast<std::size_t>(MacroStage::end_of_message)] == "i {msg_size}");
    CHECK(lists[static_cast<std::size_t>(MacroStage::end_of_headers)] == "i");
    CHECK(lists[static_cast<std::size_t>(MacroStage::connect)].empty());
}

TEST_CASE("macro lists are not sent where they were not agreed on", "[milter][negotiation]")
{
    std::string memory;
    CHECK(answer_to({6, 0x0ff, 0x1fffff, {}}, wish_with_lists(), memory).macro_lists.empty());
    std::string other_memory;
    CHECK(answer_to({6, 0x1ff, 0x1fffff, {}}, wish_with_lists(0), other_memory).macro_lists.empty());
}

TEST_CASE("reading macro lists stops at what makes no sense", "[milter][negotiation]")
{
    const std::string mail = u32(2) + strings({"i"});
    CHECK(read_macro_lists(mail + u32(7) + strings({"x"}) + u32(3) + strings({"y"}))[3].empty());
    CHECK(read_macro_lists(mail + u32(7) + strings({"x"}))[2] == "i");
    CHECK(read_macro_lists(mail + u32(3) + "cut short")[3].empty());
    CHECK(read_macro_lists(mail + "\x01")[2] == "i");
    CHECK(read_macro_lists("")[0].empty());
}

TEST_CASE("an MTA takes no answer that asks for more than it offered", "[milter][negotiation]")
{
    const Negotiate offer{4, 0x3f, 0x37f, {}};
    CHECK(error_of(check_negotiation(offer, {4, 0x20, 0x302, {}})) == "none");
    CHECK(error_of(check_negotiation(offer, {2, 0, 0, {}})) == "none");
    CHECK(error_of(check_negotiation(offer, {1, 0, 0, {}})) == "milter answered version 1, expected 2 to 4");
    CHECK(error_of(check_negotiation(offer, {6, 0, 0, {}})) == "milter answered version 6, expected 2 to 4");
    CHECK(error_of(check_negotiation(offer, {4, 0x100, 0, {}})) == "milter answered with bits that were not offered");
    CHECK(error_of(check_negotiation(offer, {4, 0, 0x1000, {}})) == "milter answered with bits that were not offered");
}
