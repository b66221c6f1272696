// Runs a loop until something is true: how a test waits without a fixed sleep.
#pragma once

#include <chrono>

#include "common/asio.hpp"

namespace smtpauth::test {

/// @return  whether the condition came true within the bound.
template <class Condition>
bool run_until(asio::io_context& io, Condition condition, std::chrono::milliseconds bound = std::chrono::seconds(10))
{
    const auto end = std::chrono::steady_clock::now() + bound;
    while (!condition() && std::chrono::steady_clock::now() < end) {
        io.restart();
        io.run_one_for(std::chrono::milliseconds(5));
    }
    return condition();
}

/// Runs the loop for that long: for what must not happen.
inline void run_for(asio::io_context& io, std::chrono::milliseconds time)
{
    run_until(
        io, [] { return false; }, time);
}

} // namespace smtpauth::test
