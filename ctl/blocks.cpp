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
#include "ctl/filters.hpp"

namespace smtpauth {

namespace {

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

std::string list_text(const json::object& answer)
{
    std::string text;
    for (const json::object& block : object_members(answer, "blocks"))
        text += fmt::format("  {}  until {}, since {}, by {}: {}\n", printable_member(block, "id"),
                            printable_member(block, "until"), printable_member(block, "from"),
                            printable_member(block, "by"), printable_member(block, "reason"));
    for (const json::object& watched : object_members(answer, "probation"))
        text += fmt::format("  {}  on probation until {}\n", printable_member(watched, "id"),
                            printable_member(watched, "until"));
    return text.empty() ? "  nobody is blocked\n" : text;
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
        return fmt::format("{} {} {}\n", printable_member(answer, "id"), done, printable_member(answer, "until"));
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
