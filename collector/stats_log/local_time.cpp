#include "collector/stats_log/local_time.hpp"

#include <charconv>
#include <ctime>
#include <iterator>

#include <fmt/format.h>

namespace smtpauth {

namespace {

constexpr std::string_view pattern = "YYYY-MM-DD HH:MM:SS +hhmm";

std::tm local(event::Time time)
{
    const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    std::tm fields{};
    localtime_r(&seconds, &fields);
    return fields;
}

/// The digits at `at`, as a number. False where there are others.
bool read_digits(std::string_view text, std::size_t at, std::size_t count, int& number)
{
    const char* const begin = text.data() + at;
    const auto [end, error] = std::from_chars(begin, begin + count, number);
    return error == std::errc{} && end == begin + count && *begin != '-';
}

bool has_separators(std::string_view text)
{
    return text[4] == '-' && text[7] == '-' && text[10] == ' ' && text[13] == ':' && text[16] == ':' &&
           text[19] == ' ' && (text[20] == '+' || text[20] == '-');
}

} // namespace

void append_local_time(std::string& out, event::Time time)
{
    const std::tm fields = local(time);
    const long offset_minutes = fields.tm_gmtoff / 60;
    const long distance = offset_minutes < 0 ? -offset_minutes : offset_minutes;
    fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02} {:02}:{:02}:{:02} {}{:02}{:02}", fields.tm_year + 1900,
                   fields.tm_mon + 1, fields.tm_mday, fields.tm_hour, fields.tm_min, fields.tm_sec,
                   offset_minutes < 0 ? '-' : '+', distance / 60, distance % 60);
}

std::optional<event::Time> parse_local_time(std::string_view text)
{
    if (text.size() != pattern.size() || !has_separators(text))
        return std::nullopt;
    int year = 0;
    int month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int offset_hours = 0;
    int offset_minutes = 0;
    const bool digits = read_digits(text, 0, 4, year) && read_digits(text, 5, 2, month) &&
                        read_digits(text, 8, 2, day) && read_digits(text, 11, 2, hour) &&
                        read_digits(text, 14, 2, minute) && read_digits(text, 17, 2, second) &&
                        read_digits(text, 21, 2, offset_hours) && read_digits(text, 23, 2, offset_minutes);
    const auto date = std::chrono::year(year) / month / day;
    if (!digits || !date.ok() || hour > 23 || minute > 59 || second > 60 || offset_minutes > 59)
        return std::nullopt;
    const std::chrono::minutes offset(offset_hours * 60 + offset_minutes);
    const auto local_time = std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
                            std::chrono::seconds(second);
    return text[20] == '-' ? local_time + offset : local_time - offset;
}

std::string local_date(event::Time time)
{
    const std::tm fields = local(time);
    return fmt::format("{:04}{:02}{:02}", fields.tm_year + 1900, fields.tm_mon + 1, fields.tm_mday);
}

} // namespace smtpauth
