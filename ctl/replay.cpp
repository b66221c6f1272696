#include "ctl/replay.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "collector/stats_log/local_time.hpp"
#include "common/disk.hpp"
#include "common/escape.hpp"
#include "common/exit_code.hpp"
#include "common/json.hpp"
#include "common/read_file.hpp"
#include "ctl/command_line.hpp"
#include "ctl/replay_logs.hpp"
#include "ctl/replayer.hpp"
#include "ctl/table.hpp"
#include "filter/config.hpp"
#include "filter/limits_config.hpp"

namespace smtpauth {

namespace {

constexpr const char* help = R"(smtpauthctl replay [OPTIONS] LOG...

Judges mail once more that was logged: stats logs and rejects logs, plain or compressed, in any order, also those of the
predecessor. Says which accounts the risk budget would have blocked and when, how many recipients had passed before, and
what would have been refused. Changes nothing, asks no daemon.

  --config FILE       the configuration to try; without it the defaults
  --exempt ID,...     accounts that are declared to send in bulk: free from familiar places
  --country-csv FILE  lines "prefix,country,asn" for logs that name no country or ASN
  --decisions         only the blocks, each as JSON {{"time", "auth_id", "action", "rule", "queue_id", "passed", "reason"}}
  --refusals          like --decisions, with all other messages that would have been refused
  --json              the report as JSON
  --help              this text

All begins with the first line: an account has no habits yet, so let the first two weeks be for learning. Exit status: 0,
64 wrong command line, 69 a file that cannot be read, 78 mistakes in the configuration.
)";

/// Most logs that one wants to name in a line.
constexpr std::size_t most_files = 10'000;

std::string local_time(event::Time time)
{
    std::string text;
    append_local_time(text, time);
    return text;
}

double seconds(event::Time time)
{
    return static_cast<double>(time.time_since_epoch().count()) / 1000;
}

/// One line of --decisions.
std::string decision(const event::Record& mail, const ReplayBlock* made, const Verdict& verdict)
{
    const auto action =
        made ? std::string_view("block")
             : (verdict.action == event::Action::tempfail ? std::string_view("tempfail") : std::string_view("reject"));
    std::string text =
        fmt::format(R"({{"time": {:.3f}, "auth_id": {}, "action": "{}", "rule": "{}")", seconds(mail.eom_time),
                    json::serialize(json_text(mail.auth_id)), action, verdict.rule);
    if (!mail.queue_id.empty())
        text += fmt::format(R"(, "queue_id": {}, "passed": 0)", json::serialize(json_text(mail.queue_id)));
    if (made)
        text += fmt::format(R"(, "reason": {})", json::serialize(json_text(made->reason)));
    return text + "}\n";
}

std::string block_text(const ReplayBlock& block)
{
    return fmt::format("{}  {}: {}\n"
                       "    {} recipients had passed from unfamiliar places in the 24h before; refused until {}: {} "
                       "messages to {} recipients, {} of them from familiar places\n",
                       local_time(block.from), printable(block.auth_id), printable(block.reason),
                       block.passed_recipients, local_time(block.until), block.refused_messages,
                       block.refused_recipients, block.refused_familiar);
}

std::string summary_text(const ReplayLogs& logs, const Replayer::Counts& counts)
{
    std::string text =
        fmt::format("{} lines, {} messages: {} pass, {} refused in {} blocks, {} by limits\n"
                    "{} recipients had passed and would be refused, {} had been refused and would pass\n",
                    logs.lines(), counts.messages, counts.passed, counts.refused_by_block, counts.blocks,
                    counts.refused_by_limit, counts.stopped_recipients, counts.released_recipients);
    if (counts.early_refusals != 0)
        text += fmt::format("{} lines of mail that was refused before there was a message are not judged\n",
                            counts.early_refusals);
    return text;
}

std::string report_json(const ReplayLogs& logs, const Replayer& replayer)
{
    const Replayer::Counts& counts = replayer.counts();
    json::array blocks;
    for (const ReplayBlock& block : replayer.blocks())
        blocks.push_back({{"auth_id", json_text(block.auth_id)},
                          {"from", seconds(block.from)},
                          {"until", seconds(block.until)},
                          {"reason", json_text(block.reason)},
                          {"passed_recipients", block.passed_recipients},
                          {"refused_messages", block.refused_messages},
                          {"refused_recipients", block.refused_recipients},
                          {"refused_familiar", block.refused_familiar}});
    return json::serialize(json::object{{"lines", logs.lines()},
                                        {"bad_lines", logs.bad_lines()},
                                        {"messages", counts.messages},
                                        {"passed", counts.passed},
                                        {"refused_by_block", counts.refused_by_block},
                                        {"refused_by_limit", counts.refused_by_limit},
                                        {"stopped_recipients", counts.stopped_recipients},
                                        {"released_recipients", counts.released_recipients},
                                        {"early_refusals", counts.early_refusals},
                                        {"block_count", counts.blocks},
                                        {"blocks", std::move(blocks)}}) +
           '\n';
}

/// @return  an exit status where a file is not as it should be.
std::optional<int> read_settings(const CommandLineOptions& options, Replayer::Settings& settings)
{
    settings.limits = {default_limit()};
    if (const auto file = options.values.find("config"); file != options.values.end()) {
        const FilterConfigResult read = load_filter_config(file->second);
        for (const std::string& error : read.errors)
            fmt::print(stderr, "{}\n", escape_controls(error));
        if (!read.errors.empty())
            return exit_code::config;
        settings.limits = read.config.limits;
        settings.normalize = read.config.auth_id_normalize;
        settings.state_max_bytes = read.config.state_max_bytes;
    }
    if (const auto ids = options.values.find("exempt"); ids != options.values.end()) {
        std::string_view rest = ids->second;
        while (!rest.empty()) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            settings.bulk.insert(settings.normalize(rest.substr(0, comma)));
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    if (const auto file = options.values.find("country-csv"); file != options.values.end()) {
        constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;
        const FileContent content = read_file(file->second, most_bytes, SymbolicLink::follow);
        if (!content.error.empty()) {
            fmt::print(stderr, "{}: {}\n", escape_controls(file->second), content.error);
            return exit_code::unavailable;
        }
        if (const std::string error = settings.places.add(content.text); !error.empty()) {
            fmt::print(stderr, "{}:{}\n", escape_controls(file->second), error);
            return exit_code::config;
        }
    }
    return std::nullopt;
}

void warn_of_bad_lines(const ReplayLogs& logs)
{
    for (const std::string& error : logs.errors())
        fmt::print(stderr, "{}\n", escape_controls(error));
    if (logs.bad_lines() != 0)
        fmt::print(stderr, "{} ({} lines are left out)\n", escape_controls(logs.first_bad_line()), logs.bad_lines());
}

} // namespace

int run_replay(int argc, char** argv)
{
    const CommandLineOptions options = parse_command_line(argc, argv,
                                                          {.help = help,
                                                           .options = {"config", "exempt", "country-csv"},
                                                           .arguments = {"a log"},
                                                           .optional_arguments = most_files,
                                                           .flags = {"decisions", "refusals"}});
    if (options.exit)
        return *options.exit;
    tzset();
    Replayer::Settings settings;
    if (const auto exit = read_settings(options, settings))
        return *exit;

    Replayer replayer(std::move(settings));
    const bool all_refusals = options.flags.contains("refusals");
    const bool as_decisions = all_refusals || options.flags.contains("decisions");
    if (as_decisions)
        replayer.on_refused([&](const event::Record& mail, const ReplayBlock* made, const Verdict& verdict) {
            if (made || all_refusals)
                fmt::print("{}", decision(mail, made, verdict));
        });
    ReplayLogs logs(system_disk(), options.arguments);
    while (event::Record* const record = logs.next())
        replayer.take(*record);

    warn_of_bad_lines(logs);
    if (options.json) {
        fmt::print("{}", report_json(logs, replayer));
    } else if (!as_decisions) {
        for (const ReplayBlock& block : replayer.blocks())
            fmt::print("{}", block_text(block));
        fmt::print("{}", summary_text(logs, replayer.counts()));
    }
    return logs.errors().empty() ? exit_code::ok : exit_code::unavailable;
}

} // namespace smtpauth
