#include "ctl/table.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include "common/escape.hpp"

namespace smtpauth {

namespace {

constexpr std::string_view seconds_end = "_s";
constexpr std::string_view bytes_end = "_bytes";

std::string_view view(json::string_view text)
{
    return {text.data(), text.size()};
}

/// The two largest units: "3d 4h", "2m 7s".
std::string duration_text(std::int64_t seconds)
{
    struct Unit {
        char name;
        std::int64_t seconds;
    };
    std::string text;
    std::size_t shown = 0;
    for (const Unit unit : {Unit{'d', 86400}, Unit{'h', 3600}, Unit{'m', 60}, Unit{'s', 1}}) {
        const std::int64_t count = seconds / unit.seconds;
        if ((count == 0 && shown == 0 && unit.name != 's') || shown == 2)
            continue;
        text += fmt::format("{}{}{}", text.empty() ? "" : " ", count, unit.name);
        seconds %= unit.seconds;
        ++shown;
    }
    return text;
}

std::string bytes_text(double bytes)
{
    const char* unit = "B";
    for (const char* larger : {"KiB", "MiB", "GiB", "TiB"}) {
        if (bytes < 1024)
            break;
        bytes /= 1024;
        unit = larger;
    }
    return bytes == static_cast<double>(static_cast<std::int64_t>(bytes)) ? fmt::format("{:.0f} {}", bytes, unit)
                                                                          : fmt::format("{:.1f} {}", bytes, unit);
}

std::string name_text(std::string_view name)
{
    for (const std::string_view end : {seconds_end, bytes_end})
        if (name.ends_with(end))
            name.remove_suffix(end.size());
    std::string text = printable(name);
    std::replace(text.begin(), text.end(), '_', ' ');
    return text;
}

std::string inline_text(std::string_view name, const json::value& value);

std::string inline_text(const json::object& object)
{
    std::string text;
    for (const auto& [name, value] : object)
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name_text(view(name)), inline_text(view(name), value));
    return text;
}

std::string inline_text(std::string_view name, const json::value& value)
{
    if (value.is_string())
        return printable(view(value.get_string()));
    if (value.is_bool())
        return value.get_bool() ? "yes" : "no";
    if (value.is_int64() && name.ends_with(seconds_end))
        return duration_text(value.get_int64());
    if (value.is_number() && name.ends_with(bytes_end))
        return bytes_text(value.to_number<double>());
    if (value.is_object())
        return inline_text(value.get_object());
    return printable(json::serialize(value));
}

/// A line of a log: when, how bad, what.
bool is_log_line(const json::value& value)
{
    const auto* const object = value.if_object();
    return object != nullptr && object->contains("time") && object->contains("level") && object->contains("text");
}

std::vector<std::string> lines_of(std::string_view name, const json::value& value)
{
    const auto* const array = value.if_array();
    if (array == nullptr)
        return {inline_text(name, value)};
    std::vector<std::string> lines;
    for (const json::value& element : *array)
        lines.push_back(is_log_line(element) ? fmt::format("{} {}: {}", inline_text("time", element.at("time")),
                                                           inline_text("level", element.at("level")),
                                                           inline_text("text", element.at("text")))
                                             : inline_text(name, element));
    if (lines.empty())
        lines.emplace_back("none");
    return lines;
}

} // namespace

std::string to_table(const json::object& object)
{
    std::size_t width = 0;
    for (const auto& [name, value] : object)
        width = std::max(width, name_text(view(name)).size());
    std::string table;
    for (const auto& [name, value] : object) {
        std::string title = name_text(view(name));
        for (const std::string& line : lines_of(view(name), value)) {
            table += fmt::format("  {:<{}}  {}\n", title, width, line);
            title.clear();
        }
    }
    return table;
}

std::string printable(std::string_view text)
{
    std::string escaped;
    for (std::size_t at = 0; at < text.size(); ++at) {
        // The second set of control characters, U+0080 to U+009F, is two octets in UTF-8.
        const auto next = static_cast<unsigned char>(at + 1 < text.size() ? text[at + 1] : 0);
        if (text[at] == '\xc2' && next >= 0x80 && next <= 0x9f) {
            escaped += fmt::format("\\xc2\\x{:02x}", next);
            ++at;
        } else {
            escaped += escape_controls(text.substr(at, 1));
        }
    }
    return escaped;
}

} // namespace smtpauth
