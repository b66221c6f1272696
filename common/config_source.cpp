#include "common/config_source.hpp"

#include <algorithm>
#include <sstream>

#include <toml++/toml.h>

#include "common/escape.hpp"
#include "common/read_file.hpp"

namespace smtpauth {

namespace {

constexpr std::size_t longest_shown = 80;
constexpr std::uint64_t longest_file = std::uint64_t{1} << 20;

bool is_bare(std::string_view key)
{
    return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

std::string quoted(std::string_view text)
{
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            result += '\\';
        result += c;
    }
    return escape_controls(result + '"');
}

std::string cut(std::string text)
{
    if (text.size() <= longest_shown)
        return text;
    // Not in the middle of an UTF-8 sequence.
    std::size_t length = longest_shown;
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80)
        --length;
    return text.substr(0, length) + "...";
}

ConfigPlace place_of(const toml::node& node, std::size_t file)
{
    return {file, node.source().begin.line};
}

std::string show_list(const std::vector<ConfigValue>& list)
{
    std::string shown = "[";
    for (const ConfigValue& element : list) {
        if (shown.size() > longest_shown)
            break;
        shown.append(shown.size() > 1 ? ", " : "").append(element.shown);
    }
    return shown + ']';
}

template <class T>
std::string show(const T& value)
{
    std::ostringstream text;
    text << value;
    return text.str();
}

ConfigValue to_value(const toml::node& node, std::size_t file)
{
    using Kind = ConfigValue::Kind;
    ConfigValue value;
    value.place = place_of(node, file);
    if (const auto* flag = node.as_boolean()) {
        value.kind = Kind::flag;
        value.flag = flag->get();
        value.shown = value.flag ? "true" : "false";
    } else if (const auto* number = node.as_integer()) {
        value.kind = Kind::number;
        value.number = number->get();
        value.shown = std::to_string(value.number);
    } else if (const auto* text = node.as_string()) {
        value.kind = Kind::text;
        value.text = text->get();
        value.shown = quoted(value.text);
    } else if (const auto* list = node.as_array()) {
        value.kind = Kind::list;
        for (const toml::node& element : *list)
            value.list.push_back(to_value(element, file));
        value.shown = show_list(value.list);
    } else if (node.is_table()) {
        value.kind = Kind::table;
        value.shown = "{...}";
    } else if (const auto* fraction = node.as_floating_point()) {
        value.shown = show(fraction->get());
    } else if (const auto* date = node.as_date()) {
        value.shown = show(date->get());
    } else if (const auto* time = node.as_time()) {
        value.shown = show(time->get());
    } else if (const auto* date_time = node.as_date_time()) {
        value.shown = show(date_time->get());
    }
    value.shown = cut(std::move(value.shown));
    return value;
}

void flatten(const toml::table& table, const std::string& path, std::size_t file, ConfigSource& source)
{
    for (const auto& [key, node] : table) {
        const std::string name = join_path(path, key.str());
        ConfigValue value = to_value(node, file);
        value.key = key.str();
        value.parent = path;
        const auto known = source.values.find(name);
        // A table that goes on in a later file keeps the place where it began.
        if (known == source.values.end() || value.kind != ConfigValue::Kind::table ||
            known->second.kind != ConfigValue::Kind::table)
            source.values.insert_or_assign(name, std::move(value));
        if (const auto* inner = node.as_table())
            flatten(*inner, name, file, source);
    }
}

} // namespace

std::string join_path(std::string_view path, std::string_view key)
{
    const std::string name = is_bare(key) ? std::string(key) : quoted(key);
    return path.empty() ? name : std::string(path) + '.' + name;
}

void ConfigSource::read_file(const std::string& path)
{
    const FileContent content = smtpauth::read_file(path, longest_file, SymbolicLink::follow);
    if (content.error.empty())
        return read_text(content.text, path);
    files.push_back(path);
    problems.push_back({{files.size() - 1, 0}, "cannot be read: " + content.error});
}

void ConfigSource::read_text(std::string_view text, const std::string& name)
{
    const std::size_t file = files.size();
    files.push_back(name);
    try {
        flatten(toml::parse(text), "", file, *this);
    } catch (const toml::parse_error& error) {
        problems.push_back({{file, error.source().begin.line}, escape_controls(error.description())});
    }
}

} // namespace smtpauth
