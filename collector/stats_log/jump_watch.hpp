// Whether the wall clock may be trusted with what cannot be undone. Pure.
#pragma once

#include <chrono>

#include "common/clock.hpp"

namespace smtpauth {

/// Compares the wall clock with the monotonic clock: what goes apart by more than the tolerance between two looks is a
/// jump. A machine that slept has jumped too.
class JumpWatch {
public:
    static constexpr std::chrono::minutes tolerance{5};

    /// No trust for so long after a jump.
    static constexpr std::chrono::hours pause{24};

    /// Nor after the start: a wrong clock is often put right soon after boot, and that is a jump.
    static constexpr std::chrono::minutes settling{10};

    explicit JumpWatch(const Clock& clock)
        : clock_(clock),
          wall_(clock.now()),
          steady_(clock.steady_now()),
          trusted_from_(steady_ + settling)
    {
    }

    /// To be called every few minutes: slower drifts are no jumps. @return  whether the clock may be trusted.
    bool look()
    {
        const auto now = clock_.now();
        const auto steady = clock_.steady_now();
        const auto apart = (now - wall_) - std::chrono::floor<std::chrono::milliseconds>(steady - steady_);
        wall_ = now;
        steady_ = steady;
        if (std::chrono::abs(apart) > tolerance)
            trusted_from_ = steady + pause;
        return steady >= trusted_from_;
    }

private:
    const Clock& clock_;
    Clock::WallTime wall_; ///< at the last look, as is steady_
    Clock::SteadyTime steady_;
    Clock::SteadyTime trusted_from_;
};

} // namespace smtpauth
