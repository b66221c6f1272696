// Settings with types, defaults and precise errors. Getters never fail: they note what is wrong and
// return the default, so that one run reports every mistake. Knows no setting by name, no mail.
//
//     /etc/smtpauth/smtpauth.toml:17: filter.drain_timeout = "1 hour": expected a duration such as "60s", "5m", "4h"
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "common/config_source.hpp"

namespace smtpauth {

/// May a list have no element, a text no character?
enum class Empty { allowed, refused };

/// One table of the configuration. Cheap to copy; must not outlive its ConfigFile.
class ConfigTable {
public:
    /// @param path  "" is the root.
    ConfigTable(ConfigSource& source, std::string path);

    /// True where the administrator wrote this key.
    bool has(std::string_view key) const;

    std::string text(std::string_view key, std::string fallback);
    bool flag(std::string_view key, bool fallback);

    /// An absolute path without control bytes.
    std::string path(std::string_view key, std::string fallback, Empty empty = Empty::refused);

    template <class Integer>
    Integer number(std::string_view key, Integer fallback, std::type_identity_t<Integer> min,
                   std::type_identity_t<Integer> max)
    {
        static_assert(std::is_integral_v<Integer>);
        return static_cast<Integer>(integer(key, static_cast<std::int64_t>(fallback), static_cast<std::int64_t>(min),
                                            static_cast<std::int64_t>(max)));
    }

    /// A string such as "60s", "5m", "4h", "1d", "250ms".
    std::chrono::milliseconds duration(std::string_view key, std::chrono::milliseconds fallback,
                                       std::chrono::milliseconds min, std::chrono::milliseconds max);

    /// A string such as "64MiB", "1GiB", "4KiB", "123", or a plain number.
    std::uint64_t bytes(std::string_view key, std::uint64_t fallback, std::uint64_t min, std::uint64_t max);

    /// File permissions as an octal string, such as "0660".
    mode_t mode(std::string_view key, mode_t fallback);

    template <class Enum>
    Enum choice(std::string_view key, Enum fallback, std::initializer_list<std::pair<std::string_view, Enum>> choices)
    {
        return parsed(key, fallback, choice_parser<Enum>(choices));
    }

    /// A list of choices, or a single one.
    template <class Enum>
    std::vector<Enum> choice_list(std::string_view key, std::vector<Enum> fallback,
                                  std::initializer_list<std::pair<std::string_view, Enum>> choices, Empty empty)
    {
        return parsed_list(key, std::move(fallback), choice_parser<Enum>(choices), empty);
    }

    /// A string that parse understands.
    /// @param parse  string_view -> variant<T, std::string>; the string says what was expected.
    template <class T, class Parse>
    T parsed(std::string_view key, T fallback, Parse&& parse)
    {
        const ConfigValue* value = find(key);
        if (!value)
            return fallback;
        auto result = parse_element(key, *value, parse);
        return result ? T(std::move(*result)) : fallback;
    }

    /// A list of strings that parse understands, or a single one. Whole numbers count as their digits.
    template <class T, class Parse>
    std::vector<T> parsed_list(std::string_view key, std::vector<T> fallback, Parse&& parse, Empty empty)
    {
        const ConfigValue* value = find(key);
        if (!value)
            return fallback;
        std::vector<T> results;
        bool good = elements_allowed(key, *value, empty);
        const auto add = [&](const std::string& where, const ConfigValue& element) {
            if (auto result = parse_element(where, element, parse))
                results.push_back(T(std::move(*result)));
            else
                good = false;
        };
        if (value->kind != ConfigValue::Kind::list)
            add(std::string(key), *value);
        for (std::size_t i = 0; i < value->list.size(); ++i)
            add(std::string(key) + '[' + std::to_string(i) + ']', value->list[i]);
        return good ? results : fallback;
    }

    /// A list of strings, or a single one.
    std::vector<std::string> text_list(std::string_view key, std::vector<std::string> fallback,
                                       Empty empty = Empty::refused);

    /// The table of that name below this one; where it is absent, every setting has its default.
    ConfigTable table(std::string_view key);

    /// What stands in this table, tables included, sorted.
    std::vector<std::string> keys() const;

    /// Accepts that key, and all below it, without a look.
    void skip(std::string_view key);

    /// Notes "FILE:LINE: a.b = VALUE: expected ..." for a setting that is wrong for a reason that
    /// only the caller knows.
    /// @param expected  what follows "expected ".
    void refuse(std::string_view key, std::string_view expected);

private:
    const ConfigValue* find(std::string_view key);
    std::string path_of(std::string_view key) const;
    std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t min, std::int64_t max);
    bool elements_allowed(std::string_view key, const ConfigValue& value, Empty empty);
    void refuse(std::string_view key, const ConfigValue& value, std::string_view expected);

    /// The text of a string, or of a number as its digits; nothing (and an error) for other kinds.
    std::optional<std::string> element_text(std::string_view key, const ConfigValue& value);

    template <class Parse>
    auto parse_element(std::string_view key, const ConfigValue& value, Parse& parse)
        -> std::optional<std::variant_alternative_t<0, decltype(parse(std::string_view()))>>
    {
        const auto text = element_text(key, value);
        if (!text)
            return std::nullopt;
        auto result = parse(std::string_view(*text));
        if (const auto* expected = std::get_if<1>(&result)) {
            refuse(key, value, *expected);
            return std::nullopt;
        }
        return std::get<0>(std::move(result));
    }

    template <class Enum>
    static auto choice_parser(std::initializer_list<std::pair<std::string_view, Enum>> choices)
    {
        return [choices](std::string_view text) -> std::variant<Enum, std::string> {
            std::string expected;
            for (const auto& [name, value] : choices) {
                if (name == text)
                    return value;
                expected += expected.empty() ? "\"" : " or \"";
                expected.append(name).append("\"");
            }
            return expected;
        };
    }

    ConfigSource* source_;
    std::string path_;
};

/// A configuration file and the files in conf.d/ beside it.
class ConfigFile {
public:
    /// Reads FILE, then conf.d/*.toml beside it in the order of their names; a later file overrides
    /// single keys. Never throws for what stands in the files or is missing: errors() says it.
    static ConfigFile load(const std::string& path);

    /// @param name  stands for the file in messages.
    static ConfigFile parse(std::string_view text, const std::string& name);

    ConfigTable root();
    ConfigTable table(std::string_view name) { return root().table(name); }

    /// Every mistake, in the order of the files and lines, each "FILE:LINE: what". Settings and tables
    /// that nobody asked for until now are mistakes too, so ask last.
    std::vector<std::string> errors() const;

private:
    ConfigFile() : source_(std::make_unique<ConfigSource>()) {}

    std::unique_ptr<ConfigSource> source_; // tables point to it, also after a move
};

} // namespace smtpauth
