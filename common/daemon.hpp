// What every daemon does alike: command line, signals, exit codes. Knows no mail.
#pragma once

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/asio.hpp"
#include "common/exit_code.hpp"
#include "common/log.hpp"
#include "version.hpp"

namespace smtpauth {

/// What ends a daemon's start with exit_code::temporary_failure.
class TemporaryFailure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct CommandLine {
    std::string config = "/etc/smtpauth/smtpauth.toml"; ///< -c FILE
    bool check_only = false;                            ///< -n: check the configuration and end, with 0 or 78
    bool verbose = false;                               ///< -v: log level debug, whatever the configuration says
    std::string instance;                               ///< --instance NAME: which of several; "": the only one
};

/// May several of a daemon run side by side, told apart by --instance NAME?
enum class Instances { one, several };

/// Reads the command line: -c FILE, -n, -v, -f (stay in the foreground, as always), --help, --version; --instance where
/// the daemon knows it. Ends the process itself: with 0 after --help and --version, with 64 and a message on a wrong
/// line.
/// @param program  the daemon's name, for messages.
CommandLine parse_command_line(int argc, char** argv, const std::string& program, Instances instances);

/// Writes a mistake a line to stderr, escaped, nothing before it. For -n and for a start that fails.
/// @return  exit_code::config, or ok where there is none.
int report_config_errors(const std::vector<std::string>& errors);

/// The configured log, or all of it after -v.
log::Settings log_settings(log::Settings configured, const CommandLine& command_line);

/// How a reload begins: says what is wrong with the new configuration, or directs the log as it wants.
/// @return  false: the configuration in use stays; why, stands in the log.
bool begin_reload(const std::vector<std::string>& errors, const log::Settings& log);

/// A daemon's main(): command line, configuration, log, then serve(command_line, config).
/// @param load  the command line -> {config, with its log settings as .log; errors}.
template <class Load, class Serve>
int run_daemon(int argc, char** argv, const std::string& program, Instances instances, Load load, Serve serve)
{
    try {
        const CommandLine command_line = parse_command_line(argc, argv, program, instances);
        const auto loaded = load(command_line);
        const int verdict = report_config_errors(loaded.errors);
        if (command_line.check_only || verdict != exit_code::ok)
            return verdict;
        log::start(log_settings(loaded.config.log, command_line));
        log::info("version {}, configuration {}", version, command_line.config);
        serve(command_line, loaded.config);
        return exit_code::ok;
    } catch (const TemporaryFailure& error) {
        log::error("{}", error.what());
        return exit_code::temporary_failure;
    } catch (const std::exception& error) {
        log::error("{}", error.what());
        return exit_code::unavailable;
    }
}

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
