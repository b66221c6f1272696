#include "ctl/log_options.hpp"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>

#include <fmt/format.h>

#include "collector/stats_log/local_time.hpp"
#include "common/exit_code.hpp"
#include "common/units.hpp"
#include "ctl/table.hpp"
#include "proto/ltsv/ltsv.hpp"

namespace smtpauth {

namespace {

constexpr std::string_view pattern = "YYYY-MM-DD HH:MM:SS";

/// Where clocks are put back, the first of two moments.
std::optional<event::Time> parse_without_offset(std::string_view text)
{
    if (text.size() != pattern.size())
        return std::nullopt;
    const auto fields_time = parse_local_time(std::string(text) + " +0000");
    if (!fields_time)
        return std::nullopt;
    const std::time_t as_utc = std::chrono::floor<std::chrono::seconds>(*fields_time).time_since_epoch().count();
    std::tm fields{};
    ::gmtime_r(&as_utc, &fields);
    fields.tm_isdst = -1;
    return event::Time(std::chrono::seconds(std::mktime(&fields)));
}

int milliseconds_of(event::Time time)
{
    return static_cast<int>((time - std::chrono::floor<std::chrono::seconds>(time)).count());
}

/// Where the option is there and no moment, `fallback`, with the mistake said in `exit`.
event::Time moment_option(const CommandLineOptions& options, std::string_view command, std::string_view name,
                          event::Time fallback, event::Time now, std::optional<int>& exit)
{
    const auto given = options.values.find(name);
    if (given == options.values.end())
        return fallback;
    const auto moment = parse_moment(given->second, now);
    if (!moment) {
        fmt::print(stderr,
                   "smtpauthctl {}: --{} {}: expected how long ago, such as 90m or 2d, or a time such as \"{}\"\n",
                   command, name, printable(given->second), "2026-03-01 21:34:56");
        exit = exit_code::usage;
    }
    return moment.value_or(fallback);
}

} // namespace

std::optional<event::Time> parse_moment(std::string_view text, event::Time now)
{
    if (const auto ago = parse_duration(text))
        return now - *ago;
    if (const auto exact = parse_local_time(text))
        return exact;
    return parse_without_offset(text);
}

LogOptions read_log_options(const CommandLineOptions& options, std::string_view command, event::Milliseconds since)
{
    ::tzset();
    LogOptions result;
    CollectorConfigResult loaded = load_collector_config(options.config);
    for (const std::string& error : loaded.errors)
        fmt::print(stderr, "{}\n", printable(error));
    if (!loaded.errors.empty()) {
        result.exit = exit_code::config;
        return result;
    }
    result.config = std::move(loaded.config);
    const auto clock = std::chrono::floor<event::Milliseconds>(std::chrono::system_clock::now());
    result.now = moment_option(options, command, "until", clock, clock, result.exit);
    result.is_past = options.values.contains("until");
    result.since = moment_option(options, command, "since", result.now - since, result.now, result.exit);
    return result;
}

std::optional<std::size_t> count_option(const CommandLineOptions& options, std::string_view command, std::size_t usual)
{
    const auto given = options.values.find("count");
    if (given == options.values.end())
        return usual;
    const std::string& text = given->second;
    std::size_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error == std::errc{} && end == text.data() + text.size() && count != 0)
        return count;
    fmt::print(stderr, "smtpauthctl {}: --count {}: expected a whole number, 1 or more\n", command, printable(text));
    return std::nullopt;
}

bool say_what_is_missing(const LogReader& log)
{
    for (const std::string& error : log.errors())
        fmt::print(stderr, "{}\n", printable(error));
    return log.errors().empty();
}

std::string exact_text(event::Time time)
{
    std::string text;
    append_local_time(text, time);
    text.insert(pattern.size(), fmt::format(".{:03}", milliseconds_of(time)));
    return text;
}

std::string short_text(event::Time time)
{
    std::string text;
    append_local_time(text, time);
    text.resize(pattern.size());
    return text;
}

std::string json_time(event::Time time)
{
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    std::tm fields{};
    ::gmtime_r(&seconds, &fields);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", fields.tm_year + 1900, fields.tm_mon + 1,
                       fields.tm_mday, fields.tm_hour, fields.tm_min, fields.tm_sec, milliseconds_of(time));
}

std::string account_argument(std::string_view text, const IdNormalizer& normalize)
{
    return normalize(ltsv::unescape(text).value_or(std::string(text)));
}

std::string account_text(std::string_view id)
{
    std::string text;
    ltsv::append_escaped(text, id);
    return printable(text);
}

} // namespace smtpauth
