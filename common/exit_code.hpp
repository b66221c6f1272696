// Exit codes of sysexits.h, which systemd and init scripts know by name.
#pragma once

namespace smtpauth::exit_code {

inline constexpr int ok = 0;
inline constexpr int usage = 64;       ///< wrong command line
inline constexpr int unavailable = 69; ///< a socket or another resource cannot be had
inline constexpr int software = 70;    ///< a mistake of ours
inline constexpr int os_error = 71;
inline constexpr int cannot_create = 73;     ///< a file or directory
inline constexpr int temporary_failure = 75; ///< worth another try later
inline constexpr int no_permission = 77;
inline constexpr int config = 78; ///< mistakes in the configuration

} // namespace smtpauth::exit_code
