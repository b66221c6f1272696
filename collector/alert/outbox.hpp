// Alarms on their way to one kind of receiver (mail, or the hook): which go out now, together or by themselves, and
// when those that failed are tried again. Pure: its only times are those that it is told. One delivery is under way at
// a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "collector/alert/alarm.hpp"
#include "collector/alert/settings.hpp"
#include "common/clock.hpp"

namespace smtpauth {

class Outbox {
public:
    /// So many alarms at once come one by one; more make one notice.
    static constexpr std::size_t max_single = 3;
    /// Of one notice. What is beyond comes with the next.
    static constexpr std::size_t max_in_notice = 100;
    static constexpr std::chrono::minutes longest_wait{15};

    explicit Outbox(const OutboxSettings& settings) : settings_(settings) {}

    /// Turned off, it forgets what waits.
    void set(const OutboxSettings& settings);

    /// Keeps the alarm until it is delivered. Turned off, it forgets it.
    void add(const Alarm& alarm);

    /// What is to be delivered now, if anything: then tell by finish() what became of it.
    /// Of deliveries, half of per_hour may come at once, the rest evenly over an hour: together no more in any hour.
    std::optional<Notice> begin(Clock::SteadyTime now);

    /// The delivery that began last has ended.
    /// @param error  "": it is delivered; else why not: it is tried again, or given up.
    void finish(const std::string& error, Clock::WallTime wall, Clock::SteadyTime now);

    /// All that is not delivered, the oldest first: what a restart must not forget.
    std::vector<Alarm> undelivered() const;

    struct Status {
        std::uint64_t delivered = 0; ///< notices, since the start
        std::uint64_t failed = 0;    ///< tries
        std::uint64_t given_up = 0;  ///< alarms, too old or too many
        std::size_t waiting = 0;     ///< alarms
        std::string error;           ///< why the one that is tried is not delivered yet; "" while all is well
    };
    Status status() const;

private:
    bool may_begin_another(Clock::SteadyTime now);

    OutboxSettings settings_;
    std::deque<Alarm> waiting_;
    std::optional<Notice> current_; ///< tried until it is delivered or given up
    bool under_way_ = false;
    unsigned tries_ = 0;
    Clock::SteadyTime next_try_{};
    double allowance_ = 0; ///< deliveries that may begin
    std::optional<Clock::SteadyTime> allowance_time_;
    Status status_;
};

} // namespace smtpauth
