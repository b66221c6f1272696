// Keeps what may happen thousands of times a second from filling the log.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/clock.hpp"

namespace smtpauth {

/// Complaints of one kind. Not thread-safe.
class Complaints {
public:
    static constexpr std::chrono::seconds interval{10};

    /// @param lines  in the log, at most, in one interval.
    explicit Complaints(unsigned lines = 1) : lines_(lines) {}

    /// @return  whether this one is to be logged.
    bool due(Clock::SteadyTime now);

    /// How many there were, logged or not.
    std::uint64_t count() const { return count_; }

    /// Logs the problem if it is due, with the count where not all were logged.
    void error(Clock::SteadyTime now, std::string_view problem);
    void warning(Clock::SteadyTime now, std::string_view problem);

private:
    std::string with_count(std::string_view problem) const;

    unsigned lines_;
    unsigned logged_ = 0; ///< in the interval that began then
    Clock::SteadyTime began_{};
    std::uint64_t count_ = 0;
};

} // namespace smtpauth
