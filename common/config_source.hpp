// TOML text as a flat list of settings, each with the place where it stood. The only part that knows
// toml++; knows no setting by name.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace smtpauth {

/// A place in a configuration file. Places sort in the order in which a reader meets them.
struct ConfigPlace {
    std::size_t file = 0;   ///< index into ConfigSource::files
    std::uint32_t line = 0; ///< from 1; 0: the file as a whole

    auto operator<=>(const ConfigPlace&) const = default;
};

/// What stands at one key.
struct ConfigValue {
    enum class Kind {
        table,
        flag,
        number,
        text,
        list,
        other, ///< a date or a fraction: no setting takes one
    };

    Kind kind = Kind::other;
    bool flag = false;
    std::int64_t number = 0;
    std::string text;
    std::vector<ConfigValue> list;

    std::string key;
    std::string parent; ///< path of the table that holds it; "" is the root
    std::string shown;  ///< the value as TOML, for messages: control bytes escaped, long values cut
    ConfigPlace place;
};

/// One or several files read over each other: a later file overrides single keys.
struct ConfigSource {
    struct Problem {
        ConfigPlace place;
        std::string text;
    };

    std::vector<std::string> files;
    std::map<std::string, ConfigValue, std::less<>> values; ///< by path, as join_path() makes it
    std::vector<Problem> problems;                          ///< unreadable files, syntax errors, what readers add

    // What readers asked for: the rest is unknown.
    std::set<std::string, std::less<>> asked;
    std::set<std::string, std::less<>> tables; ///< those whose keys are asked for one by one

    /// Reads one more file over what is here. Never throws for what stands in the file.
    void read_file(const std::string& path);
    /// Takes text as if it stood in a file of that name.
    void read_text(std::string_view text, const std::string& name);
};

/// "filter" and "listen" to "filter.listen". A key that holds other characters than TOML allows in a
/// bare key is quoted, so that a dot inside it is not taken for the border of two.
std::string join_path(std::string_view path, std::string_view key);

} // namespace smtpauth
