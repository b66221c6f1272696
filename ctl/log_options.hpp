// What the commands that read the logs have in common: which logs, from when to when, and how times are shown.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collector/config.hpp"
#include "common/id_list.hpp"
#include "ctl/command_line.hpp"
#include "ctl/log_reader.hpp"
#include "proto/event/record.hpp"

namespace smtpauth {

/// A moment on the command line: how long ago ("90m"), or as the logs show it, "2026-03-01 21:34:56 +0900", with the
/// offset left out for this machine's zone.
std::optional<event::Time> parse_moment(std::string_view text, event::Time now);

struct LogOptions {
    CollectorConfig config;
    event::Time now{};         ///< --until, or the clock's
    event::Time since{};       ///< --since
    bool is_past = false;      ///< --until was given
    std::optional<int> exit{}; ///< what is wrong has been said
};

/// Reads the configuration, and the options "since" and "until".
/// @param since  where the option is not given.
LogOptions read_log_options(const CommandLineOptions& options, std::string_view command, event::Milliseconds since);

/// A whole number of at least 1 that an option has. Nothing, with the mistake said, where it is none.
std::optional<std::size_t> count_option(const CommandLineOptions& options, std::string_view command, std::size_t usual);

/// Says on standard error what of the logs could not be read. @return  whether all could be.
bool say_what_is_missing(const LogReader& log);

/// "2026-03-01 21:34:56.789 +0900", local.
std::string exact_text(event::Time time);

/// The same without milliseconds and offset.
std::string short_text(event::Time time);

/// RFC 3339, UTC, to the millisecond.
std::string json_time(event::Time time);

/// An account on the command line as records have it. Text that is no escape of the logs stays as it is.
std::string account_argument(std::string_view text, const IdNormalizer& normalize);

/// An account as the logs show it, harmless on a terminal.
std::string account_text(std::string_view id);

} // namespace smtpauth
