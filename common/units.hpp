// Durations and sizes as people write them in settings: "250ms", "60s", "5m", "4h", "1d"; "64MiB", "1GiB", "123".
// Whole numbers of one unit, no blanks, no fractions.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smtpauth {

/// Nothing when the text is no duration or exceeds 10,000 days.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// In the largest unit that needs no fraction: parse_duration() of it gives the same duration.
/// @param duration  not negative.
std::string to_text(std::chrono::milliseconds duration);

/// Bytes; units are KiB, MiB, GiB, TiB or none. Nothing when the text is no size or exceeds 2^63 - 1.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

/// In the largest unit that needs no fraction: parse_bytes() of it gives the same number.
std::string bytes_to_text(std::uint64_t bytes);

} // namespace smtpauth
