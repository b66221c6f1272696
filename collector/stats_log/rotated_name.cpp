#include "collector/stats_log/rotated_name.hpp"

#include <algorithm>
#include <charconv>

namespace smtpauth {

namespace {

constexpr std::size_t day_digits = 8;
constexpr std::size_t max_number_digits = 4; // LogFile counts to 9,999

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/// ".N", without leading zeros.
bool is_number_suffix(std::string_view text)
{
    return text.size() >= 2 && text.size() <= 1 + max_number_digits && text[0] == '.' && text[1] != '0' &&
           std::all_of(text.begin() + 1, text.end(), is_digit);
}

int number(std::string_view digits)
{
    int value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

} // namespace

std::optional<std::chrono::sys_days> parse_day(std::string_view text)
{
    if (text.size() != day_digits || !std::all_of(text.begin(), text.end(), is_digit))
        return std::nullopt;
    const auto date = std::chrono::year(number(text.substr(0, 4))) / number(text.substr(4, 2)) / number(text.substr(6));
    return date.ok() ? std::optional<std::chrono::sys_days>(date) : std::nullopt;
}

std::optional<RotatedName> parse_rotated_name(std::string_view name, std::string_view candidate)
{
    if (!candidate.starts_with(name) || !candidate.substr(name.size()).starts_with('.'))
        return std::nullopt;
    std::string_view rest = candidate.substr(name.size() + 1);
    const bool compressed = rest.ends_with(compressed_suffix);
    rest.remove_suffix(compressed ? compressed_suffix.size() : 0);
    const auto day = parse_day(rest.substr(0, day_digits));
    if (!day || (rest.size() > day_digits && !is_number_suffix(rest.substr(day_digits))))
        return std::nullopt;
    return RotatedName{*day, compressed};
}

bool is_rotation_suffix(std::string_view suffix)
{
    while (!suffix.empty()) {
        if (suffix[0] != '.' && suffix[0] != '-')
            return false;
        suffix.remove_prefix(1);
        const auto digits = std::find_if_not(suffix.begin(), suffix.end(), is_digit) - suffix.begin();
        if (digits == 0)
            return false;
        suffix.remove_prefix(static_cast<std::size_t>(digits));
    }
    return true;
}

} // namespace smtpauth
