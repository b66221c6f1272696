#include "ctl/status.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include "common/escape.hpp"
#include "common/exit_code.hpp"
#include "ctl/command_line.hpp"
#include "ctl/control_client.hpp"
#include "ctl/table.hpp"

namespace smtpauth {

namespace {

constexpr int some_are_down = 1;

constexpr const char* help = R"(smtpauthctl status [--json] [-c FILE]

Asks every daemon of the configuration how it is.

  --json     the answers as JSON
  -c FILE    configuration, default {}
  --help     this text

Exit status: 0 all answered, 1 at least one did not, 64 wrong command line, 78 mistakes in the configuration.
)";

bool answered(const DaemonStatus& status)
{
    return std::holds_alternative<json::object>(status.answer);
}

} // namespace

std::string to_text(const std::vector<DaemonStatus>& statuses)
{
    std::string text;
    for (const auto& [daemon, answer] : statuses) {
        if (!text.empty())
            text += '\n';
        if (const auto* status = std::get_if<json::object>(&answer))
            text += printable(daemon.name) + '\n' + to_table(*status);
        else
            text += fmt::format("{} does not answer at {}: {}\n", printable(daemon.name), printable(daemon.control),
                                printable(std::get<ControlRefusal>(answer).text));
    }
    return text;
}

std::string to_json_text(const std::vector<DaemonStatus>& statuses)
{
    json::array daemons;
    for (const auto& [daemon, answer] : statuses) {
        json::object entry{{"daemon", json_text(daemon.name)}, {"socket", json_text(daemon.control)}};
        if (const auto* status = std::get_if<json::object>(&answer))
            entry.emplace("status", *status);
        else
            entry.emplace("error", json_text(std::get<ControlRefusal>(answer).text));
        daemons.push_back(std::move(entry));
    }
    return json::serialize(json::object{{"daemons", std::move(daemons)}}) + '\n';
}

int run_status(int argc, char** argv)
{
    const CommandLineOptions options = parse_command_line(argc, argv, {.help = help});
    if (options.exit)
        return *options.exit;
    const std::vector<Daemon> daemons = configured_daemons(options.config);
    if (daemons.empty())
        return exit_code::config;

    std::vector<DaemonStatus> statuses;
    statuses.reserve(daemons.size());
    for (const Daemon& daemon : daemons)
        statuses.push_back({daemon, ask_daemon(daemon.control, control_request("status"))});
    const std::string text = options.json ? to_json_text(statuses) : to_text(statuses);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::all_of(statuses.begin(), statuses.end(), answered) ? exit_code::ok : some_are_down;
}

} // namespace smtpauth
