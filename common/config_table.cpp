#include "common/config.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "common/units.hpp"

namespace smtpauth {

namespace {

using Kind = ConfigValue::Kind;

constexpr const char* expected_duration = "a duration such as \"60s\", \"5m\", \"4h\"";
constexpr const char* expected_size = "a size such as \"4KiB\", \"64MiB\", \"1GiB\"";

/// What a parser of plain text returns.
using TextOrExpected = std::variant<std::string, std::string>;

TextOrExpected understood(std::string_view text)
{
    return TextOrExpected(std::in_place_index<0>, text);
}

TextOrExpected expected(std::string_view what)
{
    return TextOrExpected(std::in_place_index<1>, what);
}

bool has_control(std::string_view text)
{
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

} // namespace

ConfigTable::ConfigTable(ConfigSource& source, std::string path) : source_(&source), path_(std::move(path))
{
    source_->asked.insert(path_);
    source_->tables.insert(path_);
}

bool ConfigTable::has(std::string_view key) const
{
    return source_->values.contains(join_path(path_, key));
}

const ConfigValue* ConfigTable::find(std::string_view key)
{
    const std::string path = join_path(path_, key);
    source_->asked.insert(path);
    const auto found = source_->values.find(path);
    return found == source_->values.end() ? nullptr : &found->second;
}

void ConfigTable::refuse(std::string_view key, const ConfigValue& value, std::string_view expected)
{
    // The key may carry an index: it is no key of TOML then, and stands as it is.
    const std::string path = path_.empty() ? std::string(key) : path_ + '.' + std::string(key);
    source_->problems.push_back({value.place, path + " = " + value.shown + ": expected " + std::string(expected)});
}

void ConfigTable::refuse(std::string_view key, std::string_view expected)
{
    if (const ConfigValue* value = find(key))
        refuse(key, *value, expected);
    else if (const auto table = source_->values.find(path_); table != source_->values.end())
        source_->problems.push_back(
            {table->second.place, join_path(path_, key) + ": expected " + std::string(expected)});
    else
        source_->problems.push_back({{}, join_path(path_, key) + ": expected " + std::string(expected)});
}

std::string ConfigTable::text(std::string_view key, std::string fallback)
{
    const ConfigValue* value = find(key);
    if (value && value->kind == Kind::text)
        return value->text;
    if (value)
        refuse(key, *value, "a string");
    return fallback;
}

bool ConfigTable::flag(std::string_view key, bool fallback)
{
    const ConfigValue* value = find(key);
    if (value && value->kind == Kind::flag)
        return value->flag;
    if (value)
        refuse(key, *value, "true or false");
    return fallback;
}

std::string ConfigTable::path(std::string_view key, std::string fallback, Empty empty)
{
    return parsed(key, std::move(fallback), [empty](std::string_view text) {
        const bool absolute = text.starts_with('/') && !has_control(text);
        return absolute || (text.empty() && empty == Empty::allowed) ? understood(text) : expected("an absolute path");
    });
}

std::int64_t ConfigTable::integer(std::string_view key, std::int64_t fallback, std::int64_t min, std::int64_t max)
{
    const ConfigValue* value = find(key);
    if (!value)
        return fallback;
    if (value->kind == Kind::number && value->number >= min && value->number <= max)
        return value->number;
    refuse(key, *value, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    return fallback;
}

std::chrono::milliseconds ConfigTable::duration(std::string_view key, std::chrono::milliseconds fallback,
                                                std::chrono::milliseconds min, std::chrono::milliseconds max)
{
    const ConfigValue* value = find(key);
    if (!value)
        return fallback;
    const auto duration = value->kind == Kind::text ? parse_duration(value->text) : std::nullopt;
    if (!duration)
        refuse(key, *value, expected_duration);
    else if (*duration < min || *duration > max)
        refuse(key, *value, "a duration from \"" + to_text(min) + "\" to \"" + to_text(max) + '"');
    else
        return *duration;
    return fallback;
}

std::uint64_t ConfigTable::bytes(std::string_view key, std::uint64_t fallback, std::uint64_t min, std::uint64_t max)
{
    const ConfigValue* value = find(key);
    if (!value)
        return fallback;
    std::optional<std::uint64_t> bytes;
    if (value->kind == Kind::text)
        bytes = parse_bytes(value->text);
    else if (value->kind == Kind::number && value->number >= 0)
        bytes = static_cast<std::uint64_t>(value->number);
    if (!bytes)
        refuse(key, *value, expected_size);
    else if (*bytes < min || *bytes > max)
        refuse(key, *value, "a size from \"" + bytes_to_text(min) + "\" to \"" + bytes_to_text(max) + '"');
    else
        return *bytes;
    return fallback;
}

mode_t ConfigTable::mode(std::string_view key, mode_t fallback)
{
    const ConfigValue* value = find(key);
    if (!value)
        return fallback;
    unsigned mode = 0;
    const char* const end = value->text.data() + value->text.size();
    const auto [rest, error] = std::from_chars(value->text.data(), end, mode, 8);
    if (value->kind == Kind::text && error == std::errc() && rest == end && mode <= 0777)
        return static_cast<mode_t>(mode);
    refuse(key, *value, "an octal mode such as \"0660\"");
    return fallback;
}

std::vector<std::string> ConfigTable::text_list(std::string_view key, std::vector<std::string> fallback, Empty empty)
{
    return parsed_list(key, std::move(fallback), understood, empty);
}

bool ConfigTable::elements_allowed(std::string_view key, const ConfigValue& value, Empty empty)
{
    if (value.kind == Kind::list && value.list.empty() && empty == Empty::refused) {
        refuse(key, value, "at least one element");
        return false;
    }
    return true;
}

std::optional<std::string> ConfigTable::element_text(std::string_view key, const ConfigValue& value)
{
    if (value.kind == Kind::text)
        return value.text;
    if (value.kind == Kind::number)
        return value.shown;
    refuse(key, value, "a string");
    return std::nullopt;
}

ConfigTable ConfigTable::table(std::string_view key)
{
    const ConfigValue* value = find(key);
    if (value && value->kind != Kind::table)
        refuse(key, *value, "a table");
    return {*source_, join_path(path_, key)};
}

std::vector<std::string> ConfigTable::keys() const
{
    std::vector<std::string> keys;
    for (const auto& [path, value] : source_->values)
        if (value.parent == path_)
            keys.push_back(value.key);
    return keys;
}

void ConfigTable::skip(std::string_view key)
{
    find(key);
}

} // namespace smtpauth
