#include "common/units.hpp"

#include <charconv>
#include <limits>
#include <span>

namespace smtpauth {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// In milliseconds.
constexpr std::uint64_t second = 1000;
constexpr std::uint64_t minute = std::uint64_t{60} * second;
constexpr std::uint64_t hour = std::uint64_t{60} * minute;
constexpr std::uint64_t day = std::uint64_t{24} * hour;

// Smallest first.
constexpr Unit duration_units[] = {{"ms", 1}, {"s", second}, {"m", minute}, {"h", hour}, {"d", day}};

constexpr Unit byte_units[] = {{"", 1},
                               {"KiB", std::uint64_t{1} << 10},
                               {"MiB", std::uint64_t{1} << 20},
                               {"GiB", std::uint64_t{1} << 30},
                               {"TiB", std::uint64_t{1} << 40}};

constexpr std::uint64_t longest_duration = std::uint64_t{10000} * day;
constexpr auto most_bytes = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

std::optional<std::uint64_t> parse(std::string_view text, std::span<const Unit> units, std::uint64_t limit)
{
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc())
        return std::nullopt;
    const std::string_view name(rest, static_cast<std::size_t>(end - rest));
    for (const Unit& unit : units)
        if (unit.name == name)
            return number <= limit / unit.factor ? std::optional(number * unit.factor) : std::nullopt;
    return std::nullopt;
}

std::string print(std::uint64_t number, std::span<const Unit> units)
{
    const Unit* best = &units.front();
    for (const Unit& unit : units)
        if (number != 0 && number % unit.factor == 0)
            best = &unit;
    return std::to_string(number / best->factor).append(best->name);
}

} // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text)
{
    const auto number = parse(text, duration_units, longest_duration);
    return number ? std::optional(std::chrono::milliseconds(*number)) : std::nullopt;
}

std::string to_text(std::chrono::milliseconds duration)
{
    return print(static_cast<std::uint64_t>(duration.count()), duration_units);
}

std::optional<std::uint64_t> parse_bytes(std::string_view text)
{
    return parse(text, byte_units, most_bytes);
}

std::string bytes_to_text(std::uint64_t bytes)
{
    return print(bytes, byte_units);
}

} // namespace smtpauth
