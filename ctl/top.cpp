#include "ctl/top.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "common/exit_code.hpp"
#include "common/json.hpp"
#include "ctl/columns.hpp"
#include "ctl/command_line.hpp"
#include "ctl/log_options.hpp"
#include "ctl/table.hpp"
#include "filter/policy/recent_networks.hpp"

namespace smtpauth {

namespace {

using namespace std::chrono_literals;

constexpr int some_are_missing = 1;
constexpr std::size_t usual_count = 20;

constexpr const char* help =
    R"(smtpauthctl top [--by MEASURE] [--since TIME] [--until TIME] [--count N] [--json] [-c FILE]

Shows the accounts that sent most, as stats.log and rejects.log tell it, rotated ones too. The account "-" is mail without
SMTP AUTH. Refused is what was answered 4xx or 5xx by the filter, command or message; networks and countries are those of
all of it.

  --by MEASURE  recipients (default), messages, rejects, networks or countries
  --since TIME  how long ago, such as 30m or 2d, or "2026-03-01 21:34:56"; default 1h
  --until TIME  the same; default: now
  --count N     so many accounts, default 20
  --json        one JSON document
  -c FILE       configuration, default {}
  --help        this text

Exit status: 0 done, 1 a log could not be read whole, 64 wrong command line, 78 mistakes in the configuration.
)";

using Amount = std::uint64_t (*)(const AccountSum&);

constexpr std::array<std::pair<std::string_view, Amount>, 5> amounts{
    {{"recipients", [](const AccountSum& sum) { return sum.recipients; }},
     {"messages", [](const AccountSum& sum) { return sum.messages; }},
     {"rejects", [](const AccountSum& sum) { return sum.rejects; }},
     {"networks", [](const AccountSum& sum) { return std::uint64_t{sum.networks.size()}; }},
     {"countries", [](const AccountSum& sum) { return std::uint64_t{sum.countries.size()}; }}}};

std::string countries_text(const std::set<std::string>& countries)
{
    constexpr std::size_t most = 5;
    std::string text;
    std::size_t shown = 0;
    for (const std::string& country : countries) {
        if (shown++ == most)
            return text + fmt::format(" +{}", countries.size() - most);
        text += (text.empty() ? "" : " ") + printable(country);
    }
    return text;
}

std::string to_text(const std::vector<AccountSums::Row>& rows)
{
    Columns columns({"account", ">messages", ">recipients", ">refused", ">held", ">networks", "last", "countries"});
    for (const auto& [id, sum] : rows)
        columns.add({id.empty() ? "-" : account_text(id), std::to_string(sum->messages),
                     std::to_string(sum->recipients), std::to_string(sum->rejects), std::to_string(sum->held),
                     std::to_string(sum->networks.size()), short_text(sum->last), countries_text(sum->countries)});
    return columns.to_text();
}

json::object to_json(const AccountSums::Row& row)
{
    const AccountSum& sum = *row.sum;
    json::array countries;
    for (const std::string& country : sum.countries)
        countries.push_back(json_text(country));
    return {{"id", row.id.empty() ? json::value() : json::value(json_text(row.id))},
            {"messages", sum.messages},
            {"recipients", sum.recipients},
            {"bytes", sum.bytes},
            {"rejects", sum.rejects},
            {"held", sum.held},
            {"networks", sum.networks.size()},
            {"countries", std::move(countries)},
            {"last", json_text(json_time(sum.last))}};
}

} // namespace

void AccountSums::add(const event::Record& record)
{
    if (!event::is_of_mail(record.type))
        return;
    AccountSum& sum = sums_[record.auth_id];
    sum.last = std::max(sum.last, record.eom_time);
    if (const NetworkId network = network_of(record.client_address))
        sum.networks.insert(network);
    if (!record.country.empty())
        sum.countries.insert(record.country);
    if (event::passed(record)) {
        ++sum.messages;
        sum.recipients += event::recipient_count(record);
        sum.bytes += record.size_bytes.value_or(0);
    } else if (record.action == event::Action::hold) {
        ++sum.held;
    } else {
        sum.rejects += record.count;
    }
}

const std::vector<std::string_view>& AccountSums::measures()
{
    static const std::vector<std::string_view> names = [] {
        std::vector<std::string_view> found(amounts.size());
        std::transform(amounts.begin(), amounts.end(), found.begin(), [](const auto& entry) { return entry.first; });
        return found;
    }();
    return names;
}

std::vector<AccountSums::Row> AccountSums::top(std::string_view by, std::size_t count) const
{
    const auto* const found =
        std::find_if(amounts.begin(), amounts.end(), [by](const auto& entry) { return entry.first == by; });
    std::vector<Row> rows;
    for (const auto& [id, sum] : sums_)
        if (found->second(sum) != 0)
            rows.push_back({id, &sum});
    std::stable_sort(rows.begin(), rows.end(),
                     [&](const Row& a, const Row& b) { return found->second(*a.sum) > found->second(*b.sum); });
    rows.resize(std::min(rows.size(), count));
    return rows;
}

int run_top(int argc, char** argv)
{
    const CommandLineOptions options =
        parse_command_line(argc, argv, {.help = help, .options = {"by", "since", "until", "count"}});
    if (options.exit)
        return *options.exit;
    const auto given = options.values.find("by");
    const std::string by = given == options.values.end() ? "recipients" : given->second;
    const auto& measures = AccountSums::measures();
    if (std::find(measures.begin(), measures.end(), by) == measures.end()) {
        fmt::print(stderr, "smtpauthctl top: --by {}: expected {}\n", printable(by), fmt::join(measures, ", "));
        return exit_code::usage;
    }
    const auto count = count_option(options, "top", usual_count);
    const LogOptions logs = read_log_options(options, "top", 1h);
    if (!count || logs.exit)
        return logs.exit.value_or(exit_code::usage);

    AccountSums sums;
    bool complete = true;
    for (const std::string& path : {logs.config.stats_log, logs.config.rejects_log}) {
        LogReader log(system_disk(), path, logs.since);
        while (const auto line = log.next()) {
            const auto read = read_log_line(line->text);
            const auto* logged = std::get_if<LoggedRecord>(&read);
            if (logged && logged->record.eom_time >= logs.since && logged->record.eom_time <= logs.now)
                sums.add(logged->record);
        }
        complete = say_what_is_missing(log) && complete;
    }
    const auto rows = sums.top(by, *count);
    if (options.json) {
        json::array accounts;
        for (const auto& row : rows)
            accounts.push_back(to_json(row));
        fmt::print("{}\n", json::serialize(json::object{{"since", json_text(json_time(logs.since))},
                                                        {"until", json_text(json_time(logs.now))},
                                                        {"by", json_text(by)},
                                                        {"accounts", std::move(accounts)}}));
    } else {
        fmt::print("{}", to_text(rows));
    }
    return complete ? exit_code::ok : some_are_missing;
}

} // namespace smtpauth
