// Alarms on their way to one kind of receiver (mail, or the hook): which go out now, together or by themselves, and
// when those that failed are tried again. Pure: its only times are those that it is told. One delivery is under way at
// a time.
//
// A notice that failed by itself is set aside and tried on a clock of its own, while later ones go on: nobody who has
// one refused keeps the others back. Where nobody is there at all, all wait and are joined.
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

/// What became of one try.
struct Outcome {
    enum class Kind {
        delivered,
        notice_failed,  ///< this notice, this time
        notice_refused, ///< this notice, for good as it seems
        unreachable,    ///< nobody is there: it would be the same with any other
    };

    Kind kind = Kind::delivered;
    std::string error;                ///< of a delivered one: who was left out, and why; "" where nobody was
    std::vector<std::string> left_to; ///< receivers who have not got it; empty: all of them
};

class Outbox {
public:
    /// So many alarms at once come one by one; more make one notice.
    static constexpr std::size_t max_single = 3;
    /// Of one notice. What is beyond comes with the next.
    static constexpr std::size_t max_in_notice = 100;
    /// Notices on clocks of their own. Beyond these failure is the rule: all wait then, as if nobody were there.
    static constexpr std::size_t max_aside = 10;
    /// A notice that was refused so often is given up.
    static constexpr unsigned max_refusals = 8;
    static constexpr std::chrono::minutes longest_wait{15};

    explicit Outbox(const OutboxSettings& settings) : settings_(settings) {}

    /// Turned off, it forgets what waits.
    void set(const OutboxSettings& settings);

    /// Keeps the alarm until it is delivered. Turned off, it forgets it. Beyond the bound closing notes are dropped
    /// first, then what is oldest.
    void add(const Alarm& alarm);

    struct Delivery {
        Notice notice;
        std::vector<std::string> left_to; ///< as Outcome had it; empty: all
        bool was_refused = false;         ///< before: as it was it will hardly be taken
    };

    /// What is to be delivered now, if anything: then tell by finish() what became of it.
    /// Of deliveries, half of per_hour may come at once, the rest evenly over an hour: together no more in any hour.
    std::optional<Delivery> begin(Clock::SteadyTime now);

    /// The delivery that began last has ended. @return  alarms that are given up by this.
    std::size_t finish(Outcome outcome, Clock::WallTime wall, Clock::SteadyTime now);

    /// All that is not delivered: what a restart must not forget.
    std::vector<Alarm> undelivered() const;

    struct Status {
        std::uint64_t delivered = 0; ///< notices, since the start
        std::uint64_t failed = 0;    ///< tries
        std::uint64_t given_up = 0;  ///< alarms, too old, too many or refused
        std::size_t waiting = 0;     ///< alarms
        std::string error;           ///< why one is not delivered yet, or not to all; "" while all is well
    };
    Status status() const;

private:
    struct Tried {
        Delivery delivery;
        unsigned tries = 0;
        unsigned refusals = 0;
        Clock::SteadyTime next_try{};
        std::string error;
    };

    void make_room();
    bool take_waiting(Clock::SteadyTime now);
    bool take_aside(Clock::SteadyTime now);
    bool may_begin_another(Clock::SteadyTime now);
    std::chrono::milliseconds wait_after(unsigned tries) const;
    std::size_t give_up(Tried& tried, Clock::WallTime wall);

    OutboxSettings settings_;
    std::deque<Alarm> waiting_;    ///< not tried yet
    std::vector<Tried> aside_;     ///< failed before
    std::optional<Tried> current_; ///< under way
    bool waiting_first_ = false;   ///< one that failed before had its turn
    unsigned away_tries_ = 0;
    Clock::SteadyTime away_until_{}; ///< nothing begins before
    double allowance_ = 0;           ///< deliveries that may begin
    std::optional<Clock::SteadyTime> allowance_time_;
    Status status_;
};

} // namespace smtpauth
