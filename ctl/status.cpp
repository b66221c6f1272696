#include "ctl/status.hpp"

#include <getopt.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include "common/escape.hpp"
#include "common/exit_code.hpp"
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

struct Options {
    bool json = false;
    std::string config = "/etc/smtpauth/smtpauth.toml";
    int exit = -1; ///< the answer is given already; -1: not yet
};

Options parse(int argc, char** argv)
{
    constexpr int json_option = 256; // behind every character
    const option known[] = {
        {"help", no_argument, nullptr, 'h'}, {"json", no_argument, nullptr, json_option}, {nullptr, 0, nullptr, 0}};
    Options options;
    optind = 0; // begin anew: main() has read what stood before the command
    for (int found = 0; (found = ::getopt_long(argc, argv, "c:h", known, nullptr)) != -1;) {
        if (found == 'c') {
            options.config = optarg;
        } else if (found == json_option) {
            options.json = true;
        } else if (found == 'h') {
            fmt::print(help, Options().config);
            options.exit = exit_code::ok;
            return options;
        } else { // getopt_long() has said what is wrong
            options.exit = exit_code::usage;
            return options;
        }
    }
    if (optind < argc) {
        fmt::print(stderr, "smtpauthctl status: unexpected argument \"{}\"\n", escape_controls(argv[optind]));
        options.exit = exit_code::usage;
    }
    return options;
}

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
    const Options options = parse(argc, argv);
    if (options.exit >= 0)
        return options.exit;
    const Daemons configured = load_daemons(options.config);
    for (const std::string& error : configured.errors)
        fmt::print(stderr, "{}\n", escape_controls(error));
    if (!configured.errors.empty())
        return exit_code::config;
    if (configured.daemons.empty()) {
        fmt::print(stderr, "{}: no daemon has a control socket (setting control)\n", escape_controls(options.config));
        return exit_code::config;
    }

    std::vector<DaemonStatus> statuses;
    for (const Daemon& daemon : configured.daemons)
        statuses.push_back({daemon, ask_daemon(daemon.control, control_request("status"))});
    const std::string text = options.json ? to_json_text(statuses) : to_text(statuses);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::all_of(statuses.begin(), statuses.end(), answered) ? exit_code::ok : some_are_down;
}

} // namespace smtpauth
