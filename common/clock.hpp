// Where time comes from. Code that needs the time takes a Clock, so that its tests never sleep.
#pragma once

#include <chrono>

namespace smtpauth {

class Clock {
public:
    using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
    using SteadyTime = std::chrono::steady_clock::time_point;

    virtual ~Clock() = default;
    /// UTC; may jump either way.
    virtual WallTime now() const = 0;
    /// For intervals; never goes back.
    virtual SteadyTime steady_now() const = 0;
};

/// The machine's clocks. Any thread.
class SystemClock final : public Clock {
public:
    WallTime now() const override
    {
        return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    }
    SteadyTime steady_now() const override { return std::chrono::steady_clock::now(); }
};

/// Stands still until a test moves it.
class ManualClock final : public Clock {
public:
    WallTime now() const override { return wall_; }
    SteadyTime steady_now() const override { return steady_; }

    void set(WallTime wall) { wall_ = wall; }
    void advance(std::chrono::milliseconds by)
    {
        wall_ += by;
        steady_ += by;
    }

private:
    WallTime wall_{};
    SteadyTime steady_{};
};

} // namespace smtpauth
