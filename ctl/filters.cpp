#include "ctl/filters.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "common/exit_code.hpp"
#include "ctl/control_client.hpp"
#include "ctl/table.hpp"

namespace smtpauth {

namespace {

constexpr int some_did_not = 1;

} // namespace

int ask_filters(const CommandLineOptions& options, const std::string& request,
                const std::function<std::string(const json::object&)>& said)
{
    const std::vector<Daemon> daemons = configured_daemons(options.config);
    if (daemons.empty())
        return exit_code::config;
    if (std::none_of(daemons.begin(), daemons.end(), [](const Daemon& daemon) { return daemon.is_filter; })) {
        fmt::print(stderr, "{}: no filter has a control socket (setting control of [filter])\n",
                   printable(options.config));
        return exit_code::config;
    }
    json::array answers;
    int status = exit_code::ok;
    for (const Daemon& daemon : daemons) {
        if (!daemon.is_filter)
            continue;
        const ControlResult result = ask_daemon(daemon.control, request);
        json::object answer{{"daemon", json_text(daemon.name)}};
        if (const auto* done = std::get_if<json::object>(&result)) {
            answer.emplace("result", *done);
            if (!options.json)
                fmt::print("{}: {}", printable(daemon.name), said(*done));
        } else {
            const std::string& why = std::get<ControlRefusal>(result).text;
            status = some_did_not;
            answer.emplace("error", json_text(why));
            if (!options.json)
                fmt::print(stderr, "{}: {}\n", printable(daemon.name), printable(why));
        }
        answers.push_back(std::move(answer));
    }
    if (options.json)
        fmt::print("{}\n", json::serialize(json::object{{"filters", std::move(answers)}}));
    return status;
}

std::string printable_member(const json::object& object, std::string_view name)
{
    const json::value* const value = object.if_contains(name);
    const json::string* const text = value ? value->if_string() : nullptr;
    return text ? printable(std::string_view(*text)) : "";
}

std::vector<json::object> object_members(const json::object& answer, std::string_view name)
{
    std::vector<json::object> objects;
    if (const json::value* const list = answer.if_contains(name); list && list->is_array())
        for (const json::value& entry : list->get_array())
            if (entry.is_object())
                objects.push_back(entry.get_object());
    return objects;
}

} // namespace smtpauth
