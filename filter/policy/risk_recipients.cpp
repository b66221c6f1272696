#include "filter/policy/risk_recipients.hpp"

namespace smtpauth {

namespace {

std::size_t word_of(std::uint64_t recipient)
{
    return recipient % RiskRecipients::words;
}

/// 1 to 255: 0 is an empty place.
std::uint64_t tag_of(std::uint64_t recipient)
{
    return (recipient >> 32) % 255 + 1;
}

} // namespace

/// tags_in_word where it is not there.
unsigned RiskRecipients::place_of(std::uint64_t recipient) const
{
    const std::uint64_t tag = tag_of(recipient);
    std::uint64_t word = table_[word_of(recipient)];
    unsigned place = 0;
    for (; place != tags_in_word && (word & 0xff) != tag; ++place)
        word >>= 8;
    return place;
}

void RiskRecipients::add(std::uint64_t recipient)
{
    const unsigned place = place_of(recipient);
    std::uint64_t& word = table_[word_of(recipient)];
    // Those before its place move on by one and cover it; where it was not there, all do, and the last falls out.
    const std::uint64_t moved =
        place + 1 >= tags_in_word ? ~std::uint64_t{0} : (std::uint64_t{1} << (place + 1) * 8) - 1;
    word = (word & ~moved) | ((word << 8) & moved) | tag_of(recipient);
}

} // namespace smtpauth
