// How far the wall clock may be believed: an RRD that once got an update in the far future has forgotten all that lies
// too long before it. Pure.
#pragma once

#include <algorithm>
#include <chrono>

#include "common/clock.hpp"

namespace smtpauth {

/// Compares the wall clock with what the monotonic clock predicts since the last look.
class ClockGuard {
public:
    /// A wall clock further ahead than this is not believed at once. What lies less far ahead can be taken back at
    /// little cost: that much of the two days that are kept by the minute.
    static constexpr std::chrono::hours tolerance{3};

    /// It is believed after all once it has kept its new time for so long.
    static constexpr std::chrono::minutes probation{60};

    explicit ClockGuard(const Clock& clock)
        : clock_(clock),
          first_wall_(clock.now()),
          first_steady_(clock.steady_now()),
          wall_(first_wall_),
          steady_(first_steady_)
    {
    }

    /// The time up to which minutes may be written: the wall clock's, or where it has jumped ahead, the time that
    /// it would show without the jump.
    Clock::WallTime believed_now()
    {
        const auto now = clock_.now();
        const auto steady = clock_.steady_now();
        const auto predicted = wall_ + std::chrono::floor<std::chrono::milliseconds>(steady - steady_);
        // A clock that was set back and is put right again shows what it would show without either.
        const auto unset = first_wall_ + std::chrono::floor<std::chrono::milliseconds>(steady - first_steady_);
        if (now <= std::max(predicted, unset) + tolerance) {
            believe(now, steady);
            return now;
        }
        if (!ahead_) {
            ahead_ = true;
            ahead_since_ = steady;
        }
        if (steady - ahead_since_ < probation)
            return predicted;
        believe(now, steady);
        return now;
    }

    /// The wall clock has jumped ahead and is not believed yet.
    bool is_ahead() const { return ahead_; }

private:
    void believe(Clock::WallTime now, Clock::SteadyTime steady)
    {
        ahead_ = false;
        wall_ = now;
        steady_ = steady;
    }

    const Clock& clock_;
    Clock::WallTime first_wall_; ///< when it began, by either clock
    Clock::SteadyTime first_steady_;
    Clock::WallTime wall_; ///< the last time that was believed, and the monotonic clock's then
    Clock::SteadyTime steady_;
    bool ahead_ = false;
    Clock::SteadyTime ahead_since_;
};

} // namespace smtpauth
