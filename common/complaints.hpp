// Keeps what may happen thousands of times a second from filling the log.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "common/clock.hpp"

namespace smtpauth {

/// Complaints of one kind. Not thread-safe.
class Complaints {
public:
    /// At most one line in the log for this long.
    static constexpr std::chrono::seconds interval{10};

    /// @return  whether this one is to be logged.
    bool due(Clock::SteadyTime now);

    /// How many there were, logged or not.
    std::uint64_t count() const { return count_; }

    /// Logs the problem as an error if it is due, with the count.
    void error(Clock::SteadyTime now, std::string_view problem);

private:
    Clock::SteadyTime logged_{};
    std::uint64_t count_ = 0;
};

} // namespace smtpauth
