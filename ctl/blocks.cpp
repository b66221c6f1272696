#include "ctl/blocks.hpp"

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "common/control.hpp"
#include "common/escape.hpp"
#include "common/exit_code.hpp"
#include "common/units.hpp"
#include "ctl/command_line.hpp"
#include "ctl/control_client.hpp"
#include "ctl/table.hpp"

namespace smtpauth {

namespace {

constexpr int some_did_not = 1;

constexpr const char* block_help = R"(smtpauthctl block ID [--for TIME] [--reason TEXT] [--json] [-c FILE]

Lets no mail of the account pass for a while: its open sessions are refused at their next message. Replaces a block that
it has. Every filter of the configuration is told.

  --for TIME     such as 30m, 2h, 7d; default: setting time of [blocks], 24h
  --reason TEXT  why, for whoever looks later
  --json         the answers as JSON
  -c FILE        configuration, default {}
  --help         this text

Exit status: 0 done, 1 at least one filter did not, 64 wrong command line, 78 mistakes in the configuration.
)";

constexpr const char* unblock_help = R"(smtpauthctl unblock ID [--probation TIME] [--reason TEXT] [--json] [-c FILE]

Lets a blocked account send again, at once. What it had sent counts no more, but for a while it has only a part of its
limits (setting probation_percent of [blocks]).

  --probation TIME  how long, such as 24h; 0s: not at all; default: setting probation of [blocks], 24h
  --reason TEXT     why, for whoever looks later
  --json            the answers as JSON
  -c FILE           configuration, default {}
  --help            this text

Exit status: 0 done, 1 at least one filter did not, 64 wrong command line, 78 mistakes in the configuration.
)";

constexpr const char* blocks_help = R"(smtpauthctl blocks [--json] [-c FILE]

Lists the accounts that may not send for a while, and those on probation. Times are UTC.

  --json     the answers as JSON
  -c FILE    configuration, default {}
  --help     this text

Exit status: 0 all filters answered, 1 at least one did not, 64 wrong command line, 78 mistakes in the configuration.
)";

std::string text_of(const json::object& object, std::string_view name)
{
    const json::value* const value = object.if_contains(name);
    const json::string* const text = value ? value->if_string() : nullptr;
    return text ? printable(std::string_view(*text)) : "";
}

std::vector<json::object> objects_of(const json::object& answer, std::string_view name)
{
    std::vector<json::object> objects;
    if (const json::value* const list = answer.if_contains(name); list && list->is_array())
        for (const json::value& entry : list->get_array())
            if (entry.is_object())
                objects.push_back(entry.get_object());
    return objects;
}

std::string list_text(const json::object& answer)
{
    std::string text;
    for (const json::object& block : objects_of(answer, "blocks"))
        text += fmt::format("  {}  until {}, since {}, by {}: {}\n", text_of(block, "id"), text_of(block, "until"),
                            text_of(block, "from"), text_of(block, "by"), text_of(block, "reason"));
    for (const json::object& watched : objects_of(answer, "probation"))
        text += fmt::format("  {}  on probation until {}\n", text_of(watched, "id"), text_of(watched, "until"));
    return text.empty() ? "  nobody is blocked\n" : text;
}

/// Asks every filter. @param said  what an answer says to people.
template <class Said>
int ask_filters(const CommandLineOptions& options, const std::string& request, Said said)
{
    const std::vector<Daemon> daemons = configured_daemons(options.config);
    if (daemons.empty())
        return exit_code::config;
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

int run_change(const char* command, const char* time_option, const char* done, const char* help, int argc, char** argv)
{
    const CommandLineOptions options =
        parse_command_line(argc, argv, {.help = help, .options = {time_option, "reason"}, .arguments = {"an account"}});
    if (options.exit)
        return *options.exit;
    json::object arguments{{"id", json_text(options.arguments[0])}};
    if (const auto given = options.values.find(time_option); given != options.values.end()) {
        const auto time = parse_duration(given->second);
        if (!time) {
            fmt::print(stderr, "smtpauthctl {}: --{} {}: expected a time such as 30m, 2h or 7d\n", command, time_option,
                       escape_controls(given->second));
            return exit_code::usage;
        }
        arguments.emplace("seconds", std::chrono::ceil<std::chrono::seconds>(*time).count());
    }
    if (const auto given = options.values.find("reason"); given != options.values.end())
        arguments.emplace("reason", json_text(given->second));
    return ask_filters(options, control_request(command, std::move(arguments)), [done](const json::object& answer) {
        return fmt::format("{} {} {}\n", text_of(answer, "id"), done, text_of(answer, "until"));
    });
}

} // namespace

int run_block(int argc, char** argv)
{
    return run_change("block", "for", "is blocked until", block_help, argc, argv);
}

int run_unblock(int argc, char** argv)
{
    return run_change("unblock", "probation", "may send again, on probation until", unblock_help, argc, argv);
}

int run_blocks(int argc, char** argv)
{
    const CommandLineOptions options = parse_command_line(argc, argv, {.help = blocks_help});
    if (options.exit)
        return *options.exit;
    return ask_filters(options, control_request("blocks"),
                       [](const json::object& answer) { return '\n' + list_text(answer); });
}

} // namespace smtpauth
