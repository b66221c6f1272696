#include "filter/instances.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace smtpauth {

namespace {

constexpr std::size_t longest_name = 32;

/// Where something lies -> whose it is, as "[filter.instances.NAME]".
using Owners = std::map<std::string, std::string>;

/// Part of paths, of a unit's name and of log lines: no dot, slash or @.
bool is_name(std::string_view text)
{
    return !text.empty() && text.size() <= longest_name && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

/// "/run/control.sock" to "/run/control-NAME.sock"; the same again where that is too long for a socket.
UnixSocketSpec beside(const UnixSocketSpec& socket, const std::string& name)
{
    const std::string& path = socket.path;
    const std::size_t dot = path.rfind('.');
    const std::size_t end = dot != std::string::npos && dot > path.rfind('/') + 1 ? dot : path.size();
    auto spec = parse_unix_socket_spec(path.substr(0, end) + '-' + name + path.substr(end));
    return std::holds_alternative<UnixSocketSpec>(spec) ? std::get<UnixSocketSpec>(std::move(spec)) : socket;
}

/// What an instance has where it says nothing.
FilterConfig defaults_of(const std::string& name, const ConfigTable& filter, const FilterConfig& base)
{
    FilterConfig config = base;
    config.instance = name;
    config.log.program = filter_name(name);
    config.state_directory = base.state_directory + '/' + name;
    config.journal_directory = filter.has("journal_directory") ? base.journal_directory + '/' + name : "";
    if (base.control)
        config.control = beside(*base.control, name);
    return config;
}

/// Each setting that names something which only one filter can have, with what it names.
std::vector<std::pair<const char*, std::string>> own_things(const FilterConfig& config)
{
    std::vector<std::pair<const char*, std::string>> things = {{"state_directory", config.state_directory},
                                                               {"journal_directory", config.journal_directory}};
    for (const SocketSpec& spec : config.listen)
        things.emplace_back("listen", to_string(spec));
    if (config.control)
        things.emplace_back("control", to_string(*config.control));
    return things;
}

void expect_own_things(ConfigTable& table, const FilterConfig& config, const std::string& owner, Owners& owners)
{
    for (const auto& [key, thing] : own_things(config)) {
        const auto [found, added] = owners.emplace(thing, owner);
        if (!added && found->second != owner)
            table.refuse(key, "one of its own: " + thing + " is in " + found->second);
    }
}

} // namespace

std::string filter_name(const std::string& instance)
{
    return instance.empty() ? "smtpauth-filter" : "smtpauth-filter@" + instance;
}

std::map<std::string, FilterConfig> read_instances(ConfigTable filter, const FilterConfig& base)
{
    ConfigTable tables = filter.table("instances");
    std::map<std::string, FilterConfig> instances;
    Owners owners;
    for (const auto& [key, thing] : own_things(base))
        owners.emplace(thing, "[filter]");
    for (const std::string& name : tables.keys()) {
        if (!is_name(name)) {
            tables.refuse(name, "a name of 1 to 32 letters, digits, \"-\" and \"_\"");
            continue;
        }
        ConfigTable table = tables.table(name);
        FilterConfig config = defaults_of(name, filter, base);
        read_filter_table(table, config);
        if (!table.has("listen"))
            table.refuse("listen", "a setting, for no two filters can listen on one socket");
        else
            expect_own_things(table, config, "[filter.instances." + name + ']', owners);
        instances.emplace(name, std::move(config));
    }
    return instances;
}

} // namespace smtpauth
