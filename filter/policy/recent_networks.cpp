#include "filter/policy/recent_networks.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/ip_address.hpp"
#include "proto/journal/crc32c.hpp"

namespace smtpauth {

namespace {

/// Nobody is given less than this by a provider.
constexpr std::size_t v4_octets = 15; // of the 16, as IPv4 stands in IPv6
constexpr std::size_t v6_octets = 8;

/// What is no address, such as a path, has a sum in its place, under numbers that no network in use has: 0:2::/32.
constexpr NetworkId no_address = NetworkId{1} << 33;

} // namespace

NetworkId network_of(std::string_view client_address)
{
    if (client_address.empty())
        return 0;
    const auto ip = IpAddress::parse(client_address);
    if (!ip)
        return no_address | journal::crc32c(client_address);
    NetworkId id = 0;
    const std::size_t octets = ip->is_v4() ? v4_octets : v6_octets;
    for (std::size_t at = octets - std::min<std::size_t>(octets, 8); at != octets; ++at)
        id = id << 8 | ip->bytes()[at];
    return std::max<NetworkId>(id, 1); // ::/64 is one too
}

std::string to_text(NetworkId network)
{
    const auto part = [&](unsigned shift, unsigned mask) { return static_cast<unsigned>(network >> shift) & mask; };
    if (network >> 24 == 0xffff) // IPv4 as it stands in IPv6
        return fmt::format("{}.{}.{}.0/24", part(16, 0xff), part(8, 0xff), part(0, 0xff));
    if (network >> 32 == no_address >> 32)
        return fmt::format("other-{}", part(0, 0xffffffff));
    return fmt::format("{:x}:{:x}:{:x}:{:x}::/64", part(48, 0xffff), part(32, 0xffff), part(16, 0xffff),
                       part(0, 0xffff));
}

void RecentNetworks::add(NetworkId network, event::Time now, event::Milliseconds keep)
{
    if (network == 0)
        return;
    std::erase_if(seen_, [&](const Seen& seen) { return seen.network == network || now - seen.last >= keep; });
    if (seen_.size() == max_networks)
        seen_.erase(seen_.begin());
    seen_.push_back({network, now});
}

std::size_t RecentNetworks::count(event::Time now, event::Milliseconds window) const
{
    return static_cast<std::size_t>(
        std::count_if(seen_.begin(), seen_.end(), [&](const Seen& seen) { return now - seen.last < window; }));
}

bool RecentNetworks::contains(NetworkId network, event::Time now, event::Milliseconds window) const
{
    return std::any_of(seen_.begin(), seen_.end(),
                       [&](const Seen& seen) { return seen.network == network && now - seen.last < window; });
}

void RecentNetworks::set_back(event::Milliseconds by)
{
    for (Seen& seen : seen_)
        seen.last -= by;
}

} // namespace smtpauth
