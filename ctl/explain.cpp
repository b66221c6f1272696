#include "ctl/explain.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "common/exit_code.hpp"
#include "common/id_list.hpp"
#include "common/read_file.hpp"
#include "ctl/command_line.hpp"
#include "ctl/control_client.hpp"
#include "ctl/log_options.hpp"
#include "ctl/table.hpp"
#include "filter/policy/block_list.hpp"

namespace smtpauth {

namespace {

using namespace std::chrono_literals;

constexpr int not_whole = 1;
constexpr std::size_t usual_count = 20;
constexpr std::uint64_t largest_list = std::uint64_t{1} << 30;

constexpr const char* help =
    R"(smtpauthctl explain ID|QUEUE-ID [--since TIME] [--until TIME] [--count N] [--json] [-c FILE]

Of an account: the last of its mail that a rule refused, held or warned of; which rule, what it had counted, the mail that
made it, when there is room again; and how the account stands now. Of a queue id: what became of that message, and why.

The numbers are counted once more, from stats.log and rejects.log by the configuration of now. Where they are not those of
the filter's answer, that is said.

  ID            as the logs show it
  --since TIME  how far back it is looked for, such as 2d, or "2026-03-01 21:34:56"; default 7d
  --until TIME  as if it were then; default: now
  --count N     so many of the mails that counted, the newest; default 20, with --json all
  --json        one JSON document
  -c FILE       configuration, default {}
  --help        this text

Exit status: 0 found, 1 not found, or a log could not be read whole, 64 wrong command line, 78 mistakes in the configuration.
)";

/// Nothing where the list cannot be read.
std::optional<bool> is_on_list(const FilterConfig& config, const std::string& id)
{
    const FileContent content = read_file(config.reject_ids, largest_list, SymbolicLink::follow);
    if (!content.error.empty())
        return std::nullopt;
    return IdList::parse(content.text, config.auth_id_normalize).contains(id);
}

/// What every filter that runs says of an account.
std::vector<json::object> ask_filters_of(const std::string& config, const std::string& id)
{
    std::vector<json::object> answers;
    for (const Daemon& daemon : load_daemons(config).daemons) {
        if (!daemon.is_filter)
            continue;
        const ControlResult result = ask_daemon(daemon.control, control_request("show", {{"id", json_text(id)}}));
        if (const auto* shown = std::get_if<json::object>(&result)) {
            json::object answer{{"daemon", json_text(daemon.name)}};
            for (const auto& [name, value] : *shown)
                answer.emplace(name, value);
            answers.push_back(std::move(answer));
        }
    }
    return answers;
}

/// Some filter has a block of it, or lets it send on probation: an account, though the logs have nothing of it any
/// more.
bool is_stopped(const std::vector<json::object>& filters)
{
    return std::any_of(filters.begin(), filters.end(), [](const json::object& filter) {
        return filter.contains("block") || filter.contains("probation_until");
    });
}

std::optional<LoggedRecord> block_at(const std::vector<LoggedRecord>& changes, const std::string& id, event::Time when)
{
    BlockList blocks;
    std::optional<LoggedRecord> last;
    for (const LoggedRecord& change : changes) {
        blocks.apply(change.record);
        if (is_block_in_force(change.record, when))
            last = change;
    }
    return blocks.find(id, when) ? last : std::nullopt;
}

class Question {
public:
    Question(const CommandLineOptions& options, const FilterConfig& filter, const LogOptions& logs)
        : options_(options),
          filter_(filter),
          logs_(logs),
          explainer_(filter, logs.config)
    {
    }

    Answer answer()
    {
        const std::string& word = options_.arguments[0];
        Answer answer{.kind = Answer::Kind::nothing,
                      .asked = word,
                      .id = account_argument(word, filter_.auth_id_normalize),
                      .since = logs_.since,
                      .until = logs_.now,
                      .findings = {}};
        answer.findings = find_in_logs(logs_.config, answer.id, word, logs_.since, logs_.now);
        const Findings& found = answer.findings;
        const bool is_logged = found.last || !found.changes.empty();
        if (is_logged || (!found.message && is_known_to_filters(answer.id)))
            of_account(answer);
        else if (found.message)
            of_message(answer);
        errors_ = found.errors;
        for (const std::string& error : explainer_.errors())
            if (std::find(errors_.begin(), errors_.end(), error) == errors_.end())
                errors_.push_back(error);
        return answer;
    }

    const std::vector<std::string>& errors() const { return errors_; }

private:
    bool is_known_to_filters(const std::string& id) const
    {
        return !logs_.is_past && is_stopped(ask_filters_of(options_.config, account_text(id)));
    }

    void of_account(Answer& answer)
    {
        answer.kind = Answer::Kind::account;
        if (answer.findings.objection)
            answer.explanation = explainer_.explain(*answer.findings.objection, answer.findings.changes);
        answer.stands = explainer_.stands(answer.id, logs_.now, answer.findings.changes);
        answer.is_listed = is_on_list(filter_, answer.id);
        if (!logs_.is_past)
            answer.filters = ask_filters_of(options_.config, account_text(answer.id));
        answer.logged_block = block_at(answer.findings.changes, answer.id, logs_.now);
    }

    void of_message(Answer& answer)
    {
        answer.kind = Answer::Kind::message;
        const LoggedRecord& message = *answer.findings.message;
        const std::string& id = message.record.auth_id;
        if (!id.empty())
            answer.findings.changes = find_in_logs(logs_.config, id, {}, logs_.since, logs_.now).changes;
        answer.explanation = explainer_.explain(message, answer.findings.changes);
        answer.is_listed = is_on_list(filter_, id);
    }

    const CommandLineOptions& options_;
    const FilterConfig& filter_;
    const LogOptions& logs_;
    Explainer explainer_;
    std::vector<std::string> errors_;
};

} // namespace

int run_explain(int argc, char** argv)
{
    const CommandLineOptions options = parse_command_line(
        argc, argv, {.help = help, .options = {"since", "until", "count"}, .arguments = {"an account or a queue id"}});
    if (options.exit)
        return *options.exit;
    const auto count = count_option(options, "explain", usual_count);
    const LogOptions logs = read_log_options(options, "explain", 7 * 24h);
    if (!count || logs.exit)
        return logs.exit.value_or(exit_code::usage);
    const FilterConfigResult filter = load_filter_config(options.config);
    for (const std::string& error : filter.errors)
        fmt::print(stderr, "{}\n", printable(error));
    if (!filter.errors.empty())
        return exit_code::config;

    Question question(options, filter.config, logs);
    const Answer answer = question.answer();
    if (options.json)
        fmt::print("{}\n", json::serialize(to_json(answer, options.values.contains("count") ? count : std::nullopt)));
    else
        fmt::print("{}", to_text(answer, *count));
    for (const std::string& error : question.errors())
        fmt::print(stderr, "{}\n", printable(error));
    return answer.kind == Answer::Kind::nothing || !question.errors().empty() ? not_whole : exit_code::ok;
}

} // namespace smtpauth
