// What the load generator is asked to do: its command line as values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace smtpauth::bench {

struct LoadOptions {
    std::string socket; ///< path of the filter's UNIX socket

    std::size_t connections = 8;
    std::size_t pause_sessions = 0;          ///< connections of their own, that pause between two messages
    std::size_t idle_connections = 0;        ///< more, that negotiate, say CONNECT and are silent
    std::size_t messages_per_connection = 0; ///< then QUIT and a new connection; 0: never

    std::size_t recipients = 1;
    std::size_t body_bytes = 0;

    std::size_t ids = 10000;  ///< accounts of each kind, user-<n>@example.com and refused-<n>@example.com
    bool zipf = false;        ///< few accounts send most, else all send alike
    double refused_share = 0; ///< of the messages, from refused-<n>@example.com
    std::uint64_t seed = 1;

    double rate = 0;              ///< messages a second, whatever the answers take; 0: the next after each answer
    double seconds = 0;           ///< 0: no end but --messages and SIGTERM
    std::uint64_t messages = 0;   ///< 0: no end but --seconds and SIGTERM
    std::string prefix = "load";  ///< of queue ids; letters, digits, "-"
    std::string answers;          ///< file; "": none
    std::optional<int> watch_pid; ///< the process whose CPU time and memory are told
};

/// Throws std::invalid_argument with what was wrong.
LoadOptions parse_load_options(int argc, char** argv);

} // namespace smtpauth::bench
