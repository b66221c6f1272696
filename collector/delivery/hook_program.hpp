// Runs the administrator's program for an alarm: no shell, its input given, a bound on its time.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "common/asio.hpp"

namespace smtpauth {

struct HookOutcome {
    std::string error;               ///< "" where it ended with 0; else what became of it
    std::vector<std::string> output; ///< the first lines that it wrote, escaped
};

/// Starts the program, in a session of its own, at the root directory, with PATH and LANG alone as its environment, and
/// waits for its end. After the timeout it is killed, with all of its session that did not leave it. Never throws.
/// @param argv   not empty; argv[0] is a path.
/// @param input  what it reads at its standard input.
Task<HookOutcome> run_hook(asio::io_context& io, std::vector<std::string> argv, std::string input,
                           std::chrono::milliseconds timeout);

} // namespace smtpauth
