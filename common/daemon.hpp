// What every daemon does alike: command line, signals, exit codes. Knows no mail.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/asio.hpp"

namespace smtpauth {

/// Exit codes of sysexits.h, which systemd and init scripts know by name.
namespace exit_code {
inline constexpr int ok = 0;
inline constexpr int usage = 64;       ///< wrong command line
inline constexpr int unavailable = 69; ///< a socket or another resource cannot be had
inline constexpr int software = 70;    ///< a mistake of ours
inline constexpr int os_error = 71;
inline constexpr int cannot_create = 73; ///< a file or directory
inline constexpr int no_permission = 77;
inline constexpr int config = 78; ///< mistakes in the configuration
} // namespace exit_code

struct CommandLine {
    std::string config = "/etc/smtpauth/smtpauth.toml"; ///< -c FILE
    bool check_only = false;                            ///< -n: check the configuration and end, with 0 or 78
    bool verbose = false;                               ///< -v: log level debug, whatever the configuration says
};

/// Reads the command line: -c FILE, -n, -v, -f (stay in the foreground, as always), --help, --version.
/// Ends the process itself: with 0 after --help and --version, with 64 and a message on a wrong line.
/// @param program  the daemon's name, for messages.
CommandLine parse_command_line(int argc, char** argv, const std::string& program);

/// Writes a mistake a line to stderr, escaped, nothing before it. For -n and for a start that fails.
/// @return  exit_code::config, or ok where there is none.
int report_config_errors(const std::vector<std::string>& errors);

/// Signals as calls on the loop. From construction on SIGPIPE is ignored, for the whole process.
/// Its pending wait keeps io.run() from returning: destroy or stop() it to let the loop run dry.
class Signals {
public:
    struct Handlers {
        std::function<void()> on_reload; ///< HUP
        std::function<void()> on_reopen; ///< USR1
        std::function<void()> on_stop;   ///< TERM, INT; called again when the signal comes again
    };

    Signals(asio::io_context& io, Handlers handlers);

    /// No handler is called any more.
    void stop();

private:
    void wait();

    asio::basic_signal_set<LoopExecutor> signals_;
    Handlers handlers_;
};

/// As many open files as the hard limit allows: a connection takes one, and the usual soft limit is 1,024.
/// @return  the limit now.
std::size_t raise_open_files_limit();

/// Makes a directory, and those above it, with mode 0750 where it is missing.
/// Throws std::runtime_error, with the path and the reason.
void make_directory(const std::string& path);

} // namespace smtpauth
