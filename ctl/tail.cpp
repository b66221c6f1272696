#include "ctl/tail.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "common/exit_code.hpp"
#include "ctl/command_line.hpp"
#include "ctl/log_follower.hpp"
#include "ctl/log_options.hpp"
#include "ctl/record_view.hpp"
#include "ctl/table.hpp"
#include "filter/config.hpp"
#include "proto/ltsv/ltsv.hpp"

namespace smtpauth {

namespace {

using namespace std::chrono_literals;

constexpr int some_are_missing = 1;
constexpr std::size_t usual_count = 20;
constexpr auto poll_interval = 250ms;

/// How far back it is looked where nobody says, until there are enough.
constexpr std::array<event::Milliseconds, 4> depths{1h, 24h, 7 * 24h, 10000 * 24h};

constexpr const char* help = R"(smtpauthctl tail [-f] [ID] [--count N] [--since TIME] [--until TIME] [--json] [-c FILE]

Shows the last lines of stats.log and rejects.log, both together in the order of time: when, what became of it, account,
client and country, sender and recipients, queue id, rule and reason.

  ID            only this account, as the logs show it
  -f, --follow  go on with what comes, until interrupted
  --count N     so many lines, default 20
  --since TIME  how long ago, such as 30m or 2d, or "2026-03-01 21:34:56"; default: as far as needed
  --until TIME  the same; default: now
  --json        one JSON object a line
  -c FILE       configuration, default {}
  --help        this text

Exit status: 0 done, 1 a log could not be read whole, 64 wrong command line, 78 mistakes in the configuration.
)";

class Tail {
public:
    Tail(const CommandLineOptions& options, LogOptions logs, std::size_t count)
        : logs_(std::move(logs)),
          json_(options.json),
          colours_(!options.json && ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr),
          is_limited_(options.values.contains("since")),
          count_(count)
    {
        if (!options.arguments.empty()) {
            id_ = account_argument(options.arguments[0], load_filter_config(options.config).config.auth_id_normalize);
            mark_ = "auth_id:";
            ltsv::append_escaped(mark_, *id_);
        }
    }

    /// @return  whether all could be read.
    bool show_last()
    {
        for (const event::Milliseconds depth : depths) {
            last_.clear();
            errors_.clear();
            gather(is_limited_ ? logs_.since : logs_.now - depth);
            if (is_limited_ || last_.size() >= count_)
                break;
        }
        for (const auto& [key, logged] : last_) {
            show(logged);
            shown_.insert(event::to_string(logged.id));
        }
        std::fflush(stdout);
        for (const std::string& error : errors_)
            fmt::print(stderr, "{}\n", printable(error));
        return errors_.empty();
    }

    /// Until nobody reads any more. @param logs  began to follow before show_last().
    void follow(std::array<LogFollower, 2>& logs)
    {
        while (std::ferror(stdout) == 0) {
            for (LogFollower& log : logs)
                log.poll([this](std::string_view line) {
                    const auto logged = wanted(line);
                    if (logged && shown_.erase(event::to_string(logged->id)) == 0)
                        show(*logged);
                });
            std::fflush(stdout);
            std::this_thread::sleep_for(poll_interval);
        }
    }

private:
    using Key = std::tuple<event::Time, std::uint64_t, std::uint64_t>;

    void gather(event::Time since)
    {
        for (const std::string& path : {logs_.config.stats_log, logs_.config.rejects_log}) {
            LogReader log(system_disk(), path, since);
            while (const auto line = log.next()) {
                auto logged = wanted(line->text);
                if (!logged || logged->record.eom_time > logs_.now)
                    continue;
                const Key key{logged->record.eom_time, logged->id.journal, logged->id.sequence};
                last_.emplace(key, std::move(*logged));
                if (last_.size() > count_)
                    last_.erase(last_.begin());
            }
            errors_.insert(log.errors().begin(), log.errors().end());
        }
    }

    /// Nothing where it is no line of ours, or of another account.
    std::optional<LoggedRecord> wanted(std::string_view line) const
    {
        if (id_ && line.find(mark_) == std::string_view::npos)
            return std::nullopt;
        auto read = read_log_line(line);
        auto* logged = std::get_if<LoggedRecord>(&read);
        if (!logged || (id_ && logged->record.auth_id != *id_))
            return std::nullopt;
        return std::move(*logged);
    }

    void show(const LoggedRecord& logged) const
    {
        fmt::print("{}\n", json_ ? json::serialize(to_json(logged)) : to_line(logged.record, colours_));
    }

    LogOptions logs_;
    bool json_;
    bool colours_;
    bool is_limited_;
    std::size_t count_;
    std::optional<std::string> id_; ///< of the account that is looked for
    std::string mark_;              ///< what its lines have
    std::map<Key, LoggedRecord> last_;
    std::set<std::string> shown_; ///< their ids, until they are met again
    std::set<std::string> errors_;
};

} // namespace

int run_tail(int argc, char** argv)
{
    const CommandLineOptions options = parse_command_line(
        argc, argv,
        {.help = help, .options = {"count", "since", "until"}, .optional_arguments = 1, .flags = {"follow"}});
    if (options.exit)
        return *options.exit;
    const auto count = count_option(options, "tail", usual_count);
    const LogOptions logs = read_log_options(options, "tail", {});
    if (!count || logs.exit)
        return logs.exit.value_or(exit_code::usage);
    std::array<LogFollower, 2> followers{LogFollower(system_disk(), logs.config.stats_log),
                                         LogFollower(system_disk(), logs.config.rejects_log)};
    Tail tail(options, logs, *count);
    const bool complete = tail.show_last();
    if (options.flags.contains("follow"))
        tail.follow(followers);
    return complete ? exit_code::ok : some_are_missing;
}

} // namespace smtpauth
