#include "filter/policy/known_recipients.hpp"

#include <algorithm>
#include <utility>

namespace smtpauth {

std::uint64_t recipient_hash(std::string_view recipient)
{
    // FNV-1a, and the last step of MurmurHash3, which spreads what it leaves close together.
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : recipient) {
        hash ^= static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        hash *= 0x100000001b3;
    }
    hash = (hash ^ hash >> 33U) * 0xff51afd7ed558ccd;
    hash = (hash ^ hash >> 33U) * 0xc4ceb9fe1a85ec53;
    return hash ^ hash >> 33U;
}

bool KnownRecipients::contains(std::uint64_t recipient) const
{
    return std::binary_search(newer().begin(), newer().end(), recipient) ||
           std::binary_search(older().begin(), older().end(), recipient);
}

bool KnownRecipients::add(std::uint64_t recipient)
{
    Half& newer = halves_[1];
    const auto at = std::lower_bound(newer.begin(), newer.end(), recipient);
    if (at != newer.end() && *at == recipient)
        return false;
    const bool is_new = !std::binary_search(older().begin(), older().end(), recipient);
    newer.insert(at, recipient);
    if (newer.size() == max_half)
        halves_[0] = std::exchange(newer, {});
    return is_new;
}

std::uint64_t KnownRecipients::strangers_in(const event::Record& mail) const
{
    std::vector<std::uint64_t> strangers;
    for (const std::string_view recipient : mail.recipients)
        if (const std::uint64_t hash = recipient_hash(recipient); !contains(hash))
            strangers.push_back(hash);
    std::sort(strangers.begin(), strangers.end());
    const auto end = std::unique(strangers.begin(), strangers.end());
    return static_cast<std::uint64_t>(end - strangers.begin()) + mail.rcpt_unlisted;
}

std::uint64_t KnownRecipients::learn(const event::Record& mail)
{
    const std::uint64_t strangers = strangers_in(mail); // all of them, before the first makes room for itself
    for (const std::string_view recipient : mail.recipients)
        add(recipient_hash(recipient));
    return strangers;
}

} // namespace smtpauth
