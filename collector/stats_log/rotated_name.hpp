// The names of rotated logs: NAME.YYYYMMDD and NAME.YYYYMMDD.N as LogFile gives them, and with .gz as Retention does.
// Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace smtpauth {

struct RotatedName {
    std::chrono::sys_days day; ///< local date of the last write
    bool compressed = false;
};

inline constexpr std::string_view compressed_suffix = ".gz";

/// "20260301". Nothing where it is another text, or no date.
std::optional<std::chrono::sys_days> parse_day(std::string_view text);

/// Nothing where the name is anything else, such as what other programs rename to.
/// @param name  of the log, and `candidate` of the file: without their directory.
std::optional<RotatedName> parse_rotated_name(std::string_view name, std::string_view candidate);

/// What may stand behind a log's name: ours, ".YYYYMMDD" and ".YYYYMMDD.N", and those of programs that rename and
/// signal:
/// ".1", "-20260301". Also "", the log itself.
bool is_rotation_suffix(std::string_view suffix);

} // namespace smtpauth
