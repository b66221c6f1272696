#include "ctl/check.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "common/exit_code.hpp"
#include "common/read_file.hpp"
#include "ctl/addresses.hpp"
#include "ctl/command_line.hpp"
#include "ctl/postfix_config.hpp"
#include "ctl/table.hpp"

namespace smtpauth {

namespace {

using Level = CheckResult::Level;

constexpr int warnings_only = 1;
constexpr const char* usual_postfix = "/etc/postfix";
constexpr const char* usual_sendmail = "/etc/mail/sendmail.cf";
constexpr std::uint64_t largest_file = std::uint64_t{16} << 20;

constexpr const char* help = R"(smtpauthctl check [--postfix-config DIR] [--sendmail-config FILE] [--json] [-c FILE]

Looks whether everything stands as the daemons and the MTA need it, and changes nothing: the configuration of both daemons;
whether they answer; the ways from the MTA to the filter and from the filter to the collector, through the permissions of
every directory and Postfix's chroot; whether main.cf, master.cf or sendmail.cf name the filter; journal, logs, reject list,
databases. Each line is ok, warning or error; below what is wrong stands what to do. Then the lines that the MTA needs.

Ask as root: others see less, and permissions are known by modes and groups only.

  --postfix-config DIR    of main.cf and master.cf; default /etc/postfix, where it is there
  --sendmail-config FILE  default /etc/mail/sendmail.cf, where it is there
  --json                  one JSON document
  -c FILE                 configuration, default {}
  --help                  this text

Exit status: 0 all is well, 1 there are warnings, 78 there are errors, 64 wrong command line.
)";

std::string_view word_of(Level level)
{
    switch (level) {
    case Level::ok:
        return "ok";
    case Level::warning:
        return "warning";
    case Level::error:
        return "error";
    }
    return "";
}

/// Both daemons' configurations; what is wrong there is said in the results.
CheckedConfig load(const std::string& file, CheckResults& results)
{
    CheckedConfig config;
    FilterConfigResult filter = load_filter_config(file);
    CollectorConfigResult collector = load_collector_config(file);
    std::vector<std::string> errors = filter.errors;
    for (const std::string& error : collector.errors)
        if (std::find(errors.begin(), errors.end(), error) == errors.end())
            errors.push_back(error);
    for (const std::string& error : errors)
        results.push_back(
            {Level::error, "configuration", error, "correct it; until then a start fails and HUP is ignored"});
    if (!errors.empty())
        return config;
    results.push_back({Level::ok, "configuration", file, ""});
    // [filter] is no filter of its own where it only holds what its instances share.
    if (filter.instances.empty() || filter.config.control)
        config.filters.push_back(std::move(filter.config));
    for (const std::string& instance : filter.instances)
        config.filters.push_back(load_filter_config(file, instance).config);
    config.collector = std::move(collector.config);
    return config;
}

std::string queue_directory(const std::string& postfix)
{
    const FileContent main_cf = read_file(postfix + "/main.cf", largest_file, SymbolicLink::follow);
    return postfix_value("queue_directory", parse_main_cf(main_cf.text));
}

std::string indented(std::string_view lines)
{
    std::string text;
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size() - 1);
        text += "    " + printable(lines.substr(0, end)) + '\n';
        lines.remove_prefix(end + 1);
    }
    return text;
}

} // namespace

SuggestedLines suggested_lines(const FilterConfig& filter, const std::string& queue_directory)
{
    const auto is_below = [&](const SocketSpec& listen) {
        return std::holds_alternative<UnixSocketSpec>(listen) &&
               postfix_endpoint(listen, queue_directory) != to_string(listen);
    };
    const auto is_tcp = [](const SocketSpec& listen) { return std::holds_alternative<TcpSocketSpec>(listen); };
    const auto first = [&](const auto& wanted) {
        const auto found = std::find_if(filter.listen.begin(), filter.listen.end(), wanted);
        return found == filter.listen.end() ? std::nullopt : std::optional(*found);
    };
    // What is right whether Postfix's service is chrooted or not, where there is such a thing.
    const auto either = first([&](const SocketSpec& listen) { return is_below(listen) || is_tcp(listen); });
    const std::string postfix = postfix_endpoint(either.value_or(filter.listen.front()), queue_directory);
    const SocketSpec other =
        first([&](const SocketSpec& listen) { return !is_below(listen); }).value_or(filter.listen.front());
    const auto* listened = std::get_if<TcpSocketSpec>(&other);
    const auto tcp = listened ? std::optional(reachable(*listened)) : std::nullopt;
    const std::string sendmail =
        tcp ? fmt::format("{}:{}@{}", tcp->v6 ? "inet6" : "inet", tcp->port, tcp->host) : to_string(other);
    constexpr std::string_view times = "connect_timeout=5s, command_timeout=10s, content_timeout=60s, "
                                       "default_action=tempfail";
    return {fmt::format("smtpd_milters = {{ {}, {} }}\n", postfix, times),
            fmt::format("  -o {{ smtpd_milters = {{ {}, {} }} }}\n", postfix, times),
            fmt::format("INPUT_MAIL_FILTER(`smtpauth', `S={}, F=T, T=C:5s;S:10s;R:10s;E:60s')dnl\n", sendmail),
            !either};
}

std::string to_text(const CheckResults& results, const SuggestedLines& lines)
{
    std::string text;
    for (const CheckResult& result : results) {
        text += fmt::format("{:<8} {}: {}\n", word_of(result.level), printable(result.subject), printable(result.text));
        if (!result.remedy.empty())
            text += fmt::format("{:<8} -> {}\n", "", printable(result.remedy));
    }
    if (lines.main_cf.empty())
        return text;
    text += "\nPostfix, main.cf (for every smtpd, port 25 too):\n" + indented(lines.main_cf) +
            "\nor master.cf (submission only, as it should be): add this to the entries submission and submissions (or "
            "smtps) that you have:\n" +
            indented(lines.master_cf);
    if (lines.only_unchrooted)
        text += "\nEither takes services that are not chrooted: \"n\" in the column chroot of master.cf.\n";
    return text + "\nSendmail, sendmail.mc:\n" + indented(lines.sendmail_mc);
}

json::object to_json(const CheckResults& results, const SuggestedLines& lines)
{
    json::array found;
    for (const CheckResult& result : results) {
        json::object entry{{"level", json_text(word_of(result.level))},
                           {"subject", json_text(result.subject)},
                           {"text", json_text(result.text)}};
        if (!result.remedy.empty())
            entry.emplace("remedy", json_text(result.remedy));
        found.push_back(std::move(entry));
    }
    return {{"results", std::move(found)},
            {"lines",
             {{"main.cf", json_text(lines.main_cf)},
              {"master.cf", json_text(lines.master_cf)},
              {"sendmail.mc", json_text(lines.sendmail_mc)}}}};
}

int run_check(int argc, char** argv)
{
    const CommandLineOptions options =
        parse_command_line(argc, argv, {.help = help, .options = {"postfix-config", "sendmail-config"}});
    if (options.exit)
        return *options.exit;
    const auto value = [&](const char* name, const char* usual) {
        const auto given = options.values.find(name);
        return std::pair(given == options.values.end() ? std::string(usual) : given->second,
                         given != options.values.end());
    };
    CheckResults results;
    SuggestedLines lines;
    const CheckedConfig config = load(options.config, results);
    if (!config.filters.empty()) {
        check_daemons(config, results);
        const auto [postfix, postfix_expected] = value("postfix-config", usual_postfix);
        const auto [sendmail, sendmail_expected] = value("sendmail-config", usual_sendmail);
        const bool has_postfix = check_postfix(config, postfix, postfix_expected, results);
        if (!check_sendmail(config, sendmail, sendmail_expected, results) && !has_postfix)
            results.push_back({Level::warning, "MTA", fmt::format("neither {} nor {} is there", postfix, sendmail),
                               "--postfix-config or --sendmail-config says where"});
        lines = suggested_lines(config.filters.front(), queue_directory(postfix));
    }
    if (options.json)
        fmt::print("{}\n", json::serialize(to_json(results, lines)));
    else
        fmt::print("{}", to_text(results, lines));
    const auto worst = std::max_element(results.begin(), results.end(),
                                        [](const auto& a, const auto& b) { return a.level < b.level; });
    if (worst == results.end() || worst->level == Level::ok)
        return exit_code::ok;
    return worst->level == Level::warning ? warnings_only : exit_code::config;
}

} // namespace smtpauth
