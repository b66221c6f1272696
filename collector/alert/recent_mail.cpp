#include "collector/alert/recent_mail.hpp"

#include <utility>

#include "common/ip_address.hpp"

namespace smtpauth {

namespace {

/// As long as queue ids of any MTA; what is longer is none.
constexpr std::size_t longest_queue_id = 40;

constexpr std::size_t longest_recipient = 256;

/// Nobody is given less than this by a provider; the same as limits count. Octets of the 16.
constexpr std::size_t v4_octets = 15;
constexpr std::size_t v6_octets = 8;

bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// It will stand in a command.
bool is_queue_id(std::string_view text)
{
    return text.size() <= longest_queue_id && std::all_of(text.begin(), text.end(), is_letter_or_digit);
}

bool are_alike(const RecentMail::Seen& a, const RecentMail::Seen& b)
{
    return a.network == b.network && a.country == b.country &&
           std::chrono::floor<std::chrono::minutes>(a.time) == std::chrono::floor<std::chrono::minutes>(b.time);
}

std::size_t heap_bytes(const std::string& text)
{
    return text.capacity() > std::string().capacity() ? text.capacity() + 1 : 0;
}

} // namespace

Fate mail_fate(const event::Record& record)
{
    switch (record.action) {
    case event::Action::accept:
        return Fate::accepted;
    case event::Action::warn:
        return Fate::warned;
    case event::Action::hold:
        return Fate::held;
    case event::Action::reject:
    case event::Action::tempfail:
    case event::Action::discard:
        return Fate::refused;
    }
    return Fate::refused;
}

std::string network_text(std::string_view client_address)
{
    const auto ip = IpAddress::parse(client_address);
    if (!ip)
        return {};
    IpAddress::Bytes bytes = ip->bytes();
    std::fill(bytes.begin() + (ip->is_v4() ? v4_octets : v6_octets), bytes.end(), std::uint8_t{0});
    return IpAddress(bytes).to_string() + (ip->is_v4() ? "/24" : "/64");
}

void RecentMail::add(const event::Record& record, std::string_view recipient)
{
    Seen seen{.time = record.eom_time,
              .fate = mail_fate(record),
              .recipients = static_cast<std::uint32_t>(event::recipient_count(record)),
              .count = record.count,
              .country = {},
              .network = network_text(record.client_address),
              .queue_id = is_queue_id(record.queue_id) ? record.queue_id : std::string()};
    if (record.country.size() == 2)
        std::copy_n(record.country.begin(), 2, seen.country.begin());

    const bool refused = seen.fate == Fate::refused;
    auto& list = refused ? refused_ : passed_;
    if (refused && !list.empty() && are_alike(list.back(), seen)) {
        list.back().time = seen.time;
        list.back().count += seen.count;
    } else {
        forget_old(list, refused ? max_refused : max_passed, seen.time);
        list.push_back(std::move(seen));
    }

    if (refused || recipient.empty() ||
        std::find(recipients_.begin(), recipients_.end(), recipient) != recipients_.end())
        return;
    if (recipients_.size() == max_recipients)
        recipients_.erase(recipients_.begin());
    recipients_.emplace_back(recipient.substr(0, longest_recipient));
}

/// Not one by one: each would move all others.
void RecentMail::forget_old(std::vector<Seen>& list, std::size_t max, event::Time now)
{
    const auto first = std::find_if(list.begin(), list.end(), [&](const Seen& seen) { return now - seen.time < keep; });
    auto old = first - list.begin();
    if (static_cast<std::size_t>(old) < list.size() / 4 && list.size() < max)
        return;
    if (list.size() - static_cast<std::size_t>(old) >= max) {
        old = static_cast<std::ptrdiff_t>(max / 4);
        forgotten_ = std::max(forgotten_, list[max / 4 - 1].time);
    }
    list.erase(list.begin(), list.begin() + old);
    if (passed_.empty())
        recipients_.clear();
}

std::size_t RecentMail::size_bytes() const
{
    // Networks of IPv6 and long queue ids take some more, which is not looked up one by one.
    constexpr std::size_t seen_bytes = sizeof(Seen) + 32;
    std::size_t bytes =
        (passed_.capacity() + refused_.capacity()) * seen_bytes + recipients_.capacity() * sizeof(std::string);
    for (const std::string& recipient : recipients_)
        bytes += heap_bytes(recipient);
    return bytes;
}

} // namespace smtpauth
