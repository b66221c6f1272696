// What people read: the subject and the text of a notice, and the line of the daemon's log. Pure; local times as in the
// logs.
#pragma once

#include <string>
#include <string_view>

#include "collector/alert/alarm.hpp"

namespace smtpauth {

/// Where the alarm comes from.
struct AlarmPlace {
    std::string host;
    std::string stats_log; ///< its path, for commands
};

/// One line of UTF-8, the most important first.
std::string subject_of(const Notice& notice);

/// Lines of UTF-8, each with LF, none longer than max_text_line octets but for commands. No text from outside can make
/// a line of its own, or turn one round.
std::string text_of(const Notice& notice, const AlarmPlace& place);

inline constexpr std::size_t max_text_line = 300;

/// For the daemon's log.
std::string log_line(const Alarm& alarm);

} // namespace smtpauth
