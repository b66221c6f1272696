// The log of a daemon: a line per event, for people. Boost.Log does the work and stays in log.cpp,
// because it takes longer to compile than all the rest of this folder. Knows no mail.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace smtpauth::log {

enum class Level { debug, info, warning, error };

struct Settings {
    /// auto: stderr with <N> priorities under systemd, else syslog, facility mail.
    /// Or stderr, syslog, file:PATH.
    std::string to = "auto";
    Level level = Level::info;
    std::string program; ///< stands before each line, except under systemd, which adds it
};

/// Directs the log to where the settings say; until then lines go to stderr. May be called again
/// (reload). Throws std::runtime_error when a file cannot be opened, and then changes nothing.
void start(const Settings& settings);

/// A line as it went into the log, without what stands before it there.
struct Line {
    std::chrono::sys_seconds time;
    Level level = Level::info;
    std::string text;
};

/// The last warnings and errors, at most 16, oldest first: what an administrator asks a running daemon for. Any thread.
std::vector<Line> recent_problems();

/// Opens a log file anew (USR1, after somebody renamed it). Where that fails, the old one is kept
/// and the failure logged. Does nothing for other targets.
void reopen();

/// False where write() would drop the line: for text that is costly to make. Any thread.
bool enabled(Level level);

/// Writes one line. Control bytes come out as \xHH, so that no text can forge a line; what exceeds
/// 3,800 bytes is cut. A stderr that takes nothing just now costs lines, never time. Any thread; never throws.
void write(Level level, std::string_view text) noexcept;

namespace detail {
template <class... Args>
void format(Level level, fmt::format_string<Args...> format, Args&&... args)
{
    if (enabled(level))
        write(level, fmt::format(format, std::forward<Args>(args)...));
}
} // namespace detail

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args)
{
    detail::format<Args...>(Level::debug, format, std::forward<Args>(args)...);
}

template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args)
{
    detail::format<Args...>(Level::info, format, std::forward<Args>(args)...);
}

template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args)
{
    detail::format<Args...>(Level::warning, format, std::forward<Args>(args)...);
}

template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args)
{
    detail::format<Args...>(Level::error, format, std::forward<Args>(args)...);
}

} // namespace smtpauth::log
