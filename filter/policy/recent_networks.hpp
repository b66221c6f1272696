// From which networks an account's mail came, and when last: how many different ones in any window that ends now.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/event/record.hpp"

namespace smtpauth {

/// A /24, or a /64 of IPv6, or what else a client address is; 0 is none.
using NetworkId = std::uint64_t;

/// @param client_address  as in a record.
NetworkId network_of(std::string_view client_address);

/// For people: "192.0.2.0/24", "2001:db8:1:2::/64"; of what has no address, "other-" and a number.
std::string to_text(NetworkId network);

class RecentNetworks {
public:
    /// The least recently seen is forgotten beyond: a limit must be lower.
    static constexpr std::size_t max_networks = 100;

    void add(NetworkId network, event::Time now, event::Milliseconds keep);

    /// Those seen less than `window` ago.
    std::size_t count(event::Time now, event::Milliseconds window) const;
    bool contains(NetworkId network, event::Time now, event::Milliseconds window) const;

    /// See ChargeHistory.
    void set_back(event::Milliseconds by);

    std::size_t size() const { return seen_.size(); }
    std::size_t size_bytes() const { return seen_.capacity() * sizeof(Seen); }

    /// Each network, that seen last at the end.
    template <class Take> // (NetworkId, event::Time)
    void for_each(Take take) const
    {
        for (const Seen& seen : seen_)
            take(seen.network, seen.last);
    }

private:
    struct Seen {
        NetworkId network;
        event::Time last;
    };
    std::vector<Seen> seen_; ///< that seen last is the last
};

} // namespace smtpauth
