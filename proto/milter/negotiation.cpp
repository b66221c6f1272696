#include "proto/milter/negotiation.hpp"

#include <algorithm>

namespace smtpauth::milter {

namespace {

// A mask of zero is how the first MTAs said "the set of version 1".
std::uint32_t offered_actions(const Negotiate& offer)
{
    return offer.actions == 0 ? action::version_1 : offer.actions;
}

std::uint32_t offered_protocol(const Negotiate& offer)
{
    return offer.protocol == 0 ? protocol::version_1 : offer.protocol;
}

} // namespace

std::variant<Malformed, Agreement> negotiate(const Negotiate& offer, const Wish& wish)
{
    if (offer.version < oldest_version)
        return Malformed{"milter protocol version " + std::to_string(offer.version) + ", expected 2 or later"};
    return Agreement{std::min(offer.version, newest_version), offered_actions(offer) & wish.actions,
                     offered_protocol(offer) & wish.protocol};
}

void append_negotiation(std::string& out, const Agreement& agreement, const Wish& wish)
{
    const PacketWriter packet(out, static_cast<char>(Command::negotiate));
    append_u32(out, agreement.version);
    append_u32(out, agreement.actions);
    append_u32(out, agreement.protocol);
    if (!agreement.may(action::set_macro_lists))
        return;
    for (std::uint32_t stage = 0; stage < macro_stages; ++stage) {
        if (wish.macro_lists[stage].empty())
            continue;
        append_u32(out, stage);
        append_string(out, wish.macro_lists[stage]);
    }
}

std::variant<Malformed, Agreement> check_negotiation(const Negotiate& offer, const Negotiate& answer)
{
    if (answer.version < oldest_version || answer.version > offer.version)
        return Malformed{"milter answered version " + std::to_string(answer.version) + ", expected 2 to " +
                         std::to_string(offer.version)};
    if ((answer.actions & ~offered_actions(offer)) != 0 || (answer.protocol & ~offered_protocol(offer)) != 0)
        return Malformed{"milter answered with bits that were not offered"};
    return Agreement{answer.version, answer.actions, answer.protocol};
}

std::array<std::string, macro_stages> read_macro_lists(Bytes macro_lists)
{
    std::array<std::string, macro_stages> lists;
    while (macro_lists.size() > 4) {
        const std::uint32_t stage = read_u32(macro_lists);
        macro_lists.remove_prefix(4);
        const auto names = take_string(macro_lists);
        if (stage >= macro_stages || !names)
            break;
        lists[stage] = *names;
    }
    return lists;
}

} // namespace smtpauth::milter
