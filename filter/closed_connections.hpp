// The connections that this filter ended, by reason: counted, and told to the log, though not each of thousands.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/complaints.hpp"

namespace smtpauth {

/// Why a connection was closed that its MTA had not ended.
enum class Closed {
    not_allowed,       ///< setting allow
    too_many,          ///< setting max_connections
    not_negotiated,    ///< setting negotiate_timeout
    bad_packet,        ///< none of the milter protocol, out of order, or above a limit
    unfinished_packet, ///< setting packet_timeout
    too_much_held,     ///< setting max_held_bytes
    takes_no_replies,
    silent, ///< setting idle_timeout
};

/// In the order of Closed.
inline constexpr std::array<std::string_view, 8> closed_names{
    "not_allowed",       "too_many",      "not_negotiated",   "bad_packet",
    "unfinished_packet", "too_much_held", "takes_no_replies", "silent",
};

/// Loop's thread only.
class ClosedConnections {
public:
    ClosedConnections() { complaints_.fill(Complaints(lines)); }

    /// @param what  who it was and what is wrong, for the log.
    void add(Closed why, Clock::SteadyTime now, const std::string& what)
    {
        complaints_[static_cast<std::size_t>(why)].warning(now, what + "; connection closed");
    }

    std::uint64_t count(Closed why) const { return complaints_[static_cast<std::size_t>(why)].count(); }

    /// In the order of Closed.
    using Counts = std::array<std::uint64_t, closed_names.size()>;
    Counts counts() const
    {
        Counts counts{};
        for (std::size_t why = 0; why < counts.size(); ++why)
            counts[why] = complaints_[why].count();
        return counts;
    }

private:
    /// In the log, for each reason and interval.
    static constexpr unsigned lines = 20;

    std::array<Complaints, closed_names.size()> complaints_;
};

} // namespace smtpauth
