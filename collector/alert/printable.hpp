// Text of records as alarms have it: as the logs show it, and bounded.
#pragma once

#include <string>
#include <string_view>

namespace smtpauth {

/// Octets of one text in an alarm, before it is escaped.
inline constexpr std::size_t longest_alarm_text = 1000;

/// Escaped as in the logs (proto/ltsv), and characters too that would turn or break a line where it is shown: C1
/// controls, marks of writing direction, separators. ltsv::unescape() undoes it.
std::string printable_text(std::string_view text);

} // namespace smtpauth
