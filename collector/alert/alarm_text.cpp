#include "collector/alert/alarm_text.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include <fmt/format.h>

#include "collector/alert/commands.hpp"
#include "collector/alert/outbox.hpp"
#include "collector/stats_log/local_time.hpp"

namespace smtpauth {

namespace {

/// Of an account in a subject, in octets.
constexpr std::size_t longest_in_subject = 100;

/// How many of a list a person wants to see.
constexpr std::size_t shown_networks = 15;
constexpr std::size_t shown_countries = 10;

/// At most so many octets, no character in two.
std::string cut(std::string text, std::size_t max)
{
    if (text.size() <= max)
        return text;
    max -= 3;
    while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xc0U) == 0x80)
        --max;
    text.resize(max);
    return text + "...";
}

std::string local_time(std::chrono::sys_seconds time)
{
    std::string text;
    append_local_time(text, time);
    return text;
}

std::string account_of(const Alarm& alarm)
{
    return alarm.account.empty() ? "mail without authentication" : alarm.account;
}

std::string counted(std::uint64_t count, std::string_view what)
{
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// What became of mail: "7 refused, 2 held".
std::string stopped(const Alarm& alarm)
{
    const MailCounts& counts = alarm.since_first;
    std::string text;
    const auto add = [&](std::uint64_t count, std::string_view what) {
        if (count != 0)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
    };
    add(counts.refused, "refused");
    add(counts.held, "held");
    add(counts.warned, "warned of");
    if (alarm.grade == Grade::blocked || alarm.grade == Grade::not_blocked)
        text +=
            fmt::format("{}{}", text.empty() ? "" : ", ", alarm.grade == Grade::blocked ? "blocked" : "NOT blocked");
    return text.empty() ? "nothing refused yet" : text;
}

std::string passed(const MailCounts& counts)
{
    return fmt::format("{} to {}", counted(counts.accepted, "message"), counted(counts.recipients, "recipient"));
}

/// A text made of lines; what comes from outside is cut to one of bounded length.
class Page {
public:
    template <class... Args>
    void line(fmt::format_string<Args...> format, Args&&... args)
    {
        text_ += cut(fmt::format(format, std::forward<Args>(args)...), max_text_line) + '\n';
    }
    void empty_line() { text_ += '\n'; }
    /// As it is: a command that was cut would be another one.
    void command(std::string_view command) { text_.append(command).append("\n\n"); }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

std::vector<OriginCount> busiest(std::vector<OriginCount> origins)
{
    std::stable_sort(origins.begin(), origins.end(), [](const OriginCount& a, const OriginCount& b) {
        return a.passed + a.refused > b.passed + b.refused;
    });
    return origins;
}

void write_origins(Page& page, const Alarm& alarm)
{
    const auto countries = busiest(alarm.countries);
    std::vector<std::string> names;
    for (const OriginCount& country : countries)
        if (names.size() < shown_countries)
            names.push_back(fmt::format("{} {}", country.name, country.passed + country.refused));
    if (countries.size() > names.size())
        names.push_back(fmt::format("and {} more", countries.size() - names.size()));
    if (!names.empty())
        page.line("  Countries:  {}", fmt::join(names, ", "));

    const auto networks = busiest(alarm.networks);
    std::uint64_t others = alarm.more_networks;
    for (std::size_t at = 0; at < networks.size(); ++at) {
        const OriginCount& network = networks[at];
        if (at < shown_networks)
            page.line("  {}{:<22} {:2}  {} passed, {} refused", at == 0 ? "Networks:   " : "            ", network.name,
                      network.country, network.passed, network.refused);
        else
            others += network.passed + network.refused;
    }
    if (others != 0)
        page.line("              and {} from other networks", others);
}

void write_facts(Page& page, const Alarm& alarm)
{
    if (!alarm.reason.empty())
        page.line("  {}", alarm.reason);
    if (alarm.late)
        page.line("  This is late news: the collector heard of it at {} only.", local_time(alarm.told));
    page.empty_line();
    page.line("  First:      {}", local_time(alarm.first));
    page.line("  Last:       {}", local_time(alarm.last));
    page.line("  Stopped:    {}", stopped(alarm));
    if (alarm.rules.size() > 1) {
        std::vector<std::string> rules;
        for (const RuleCount& rule : alarm.rules)
            rules.push_back(fmt::format("{} {}", rule.rule, rule.count));
        page.line("  By rule:    {}", fmt::join(rules, ", "));
    }
    page.line("  Accepted:   {} since then", passed(alarm.since_first));
    page.line("  Last hour:  {}{} accepted until {}", alarm.hour_is_incomplete ? "more than " : "",
              passed(alarm.last_hour), local_time(alarm.late ? alarm.last : alarm.told));
    write_origins(page, alarm);
    for (std::size_t at = 0; at < alarm.recipients.size(); ++at)
        page.line("  {}{}", at == 0 ? "Sent to:    " : "            ", alarm.recipients[at]);
    for (const AlarmNote& note : alarm.notes)
        page.line("  {}  {}", local_time(note.time), note.text);
    page.line("  Incident:   {}", alarm.incident);
    page.empty_line();
}

bool is_simple(std::string_view text)
{
    return text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._+-") ==
           std::string_view::npos;
}

void write_hold(Page& page, const Alarm& alarm, const AlarmPlace& place)
{
    if (!alarm.queue_ids.empty()) {
        page.line("Keep its {} of the last hour from leaving, as far as Postfix still has them:",
                  counted(alarm.queue_ids.size(), "message"));
        page.empty_line();
        page.command(hold_command(alarm.queue_ids));
    }
    if (alarm.hour_is_incomplete && !alarm.account.empty()) {
        page.line("There were more. All that stands in the logs, where recipients may still wait for it:");
        page.empty_line();
        page.command(hold_all_command(alarm.account, place.stats_log));
    }
}

void write_commands(Page& page, const Alarm& alarm, const AlarmPlace& place)
{
    if (alarm.account.empty())
        return write_hold(page, alarm, place);
    page.line("IF SOMEBODY ELSE SENDS IN ITS NAME, block it, or extend its block:");
    page.empty_line();
    page.command(block_command(alarm.account));
    write_hold(page, alarm, place);
    page.line("Then change its password. Once that is done, or if all was well:");
    page.empty_line();
    page.command(unblock_command(alarm.account));
    if (alarm.event != Alarm::Event::closed && is_simple(alarm.account) && is_simple(alarm.rule) &&
        alarm.notes.empty()) {
        page.line("If it is its owner and needs more room, put this into conf.d/ beside smtpauth.toml and reload:");
        page.empty_line();
        page.command(fmt::format("[accounts.\"{}\"]\nlimits.{} = NUMBER", alarm.account, alarm.rule));
    }
    page.line("How it stands now:  {}", show_command(alarm.account));
}

const char* event_mark(const Alarm& alarm)
{
    return alarm.event == Alarm::Event::worse ? "Worse: " : alarm.event == Alarm::Event::reminder ? "Still open: " : "";
}

std::string headline(const Alarm& alarm)
{
    if (alarm.event == Alarm::Event::closed)
        return fmt::format("{}: over, {}", account_of(alarm), alarm.ended);
    const char* const did = alarm.grade == Grade::not_blocked ? "was NOT blocked"
                            : alarm.grade == Grade::blocked   ? "was blocked"
                            : alarm.grade == Grade::warned    ? "would have been stopped"
                                                              : "was stopped";
    return fmt::format("{}{} {} by rule \"{}\"", event_mark(alarm), account_of(alarm), did, alarm.rule);
}

void write_alarm(Page& page, const Alarm& alarm, const AlarmPlace& place)
{
    page.line("{}", headline(alarm));
    page.empty_line();
    write_facts(page, alarm);
    write_commands(page, alarm, place);
}

/// Of many: what tells whether to look closer.
void write_short(Page& page, const Alarm& alarm, const AlarmPlace& place)
{
    page.line("{}", headline(alarm));
    page.empty_line();
    write_facts(page, alarm);
    if (alarm.account.empty())
        return;
    page.command(block_command(alarm.account));
    page.command(hold_all_command(alarm.account, place.stats_log));
    page.command(unblock_command(alarm.account));
}

} // namespace

std::string subject_of(const Notice& notice)
{
    const Alarm& first = notice.alarms.front();
    const auto opened = std::count_if(notice.alarms.begin(), notice.alarms.end(),
                                      [](const Alarm& alarm) { return alarm.event != Alarm::Event::closed; });
    const std::string account = cut(account_of(first), longest_in_subject);
    if (notice.alarms.size() > 1)
        return fmt::format("{} alarms, {} of them over: {} and others", notice.alarms.size(),
                           notice.alarms.size() - static_cast<std::size_t>(opened), account);
    if (opened == 0)
        return fmt::format("Over: {}, {}", account, stopped(first));
    return fmt::format("{}{}: {} by {}", event_mark(first), account, stopped(first),
                       cut(first.rule, longest_in_subject));
}

std::string text_of(const Notice& notice, const AlarmPlace& place)
{
    Page page;
    const bool all = notice.alarms.size() <= Outbox::max_single;
    if (notice.alarms.size() > 1) {
        page.line("{} incidents began or ended:", notice.alarms.size());
        page.empty_line();
        for (const Alarm& alarm : notice.alarms)
            page.line("  {}; {}", headline(alarm), stopped(alarm));
        page.empty_line();
    }
    for (const Alarm& alarm : notice.alarms) {
        if (notice.alarms.size() > 1) {
            page.line("----------------------------------------------------------------------");
            page.empty_line();
        }
        if (all)
            write_alarm(page, alarm, place);
        else
            write_short(page, alarm, place);
    }
    page.line("-- ");
    page.line("smtpauth-log-collector on {}", place.host);
    return page.take();
}

std::string log_line(const Alarm& alarm)
{
    const std::string facts = fmt::format("{}; accepted {} since {}; incident {}", stopped(alarm),
                                          passed(alarm.since_first), local_time(alarm.first), alarm.incident);
    if (alarm.event == Alarm::Event::closed)
        return fmt::format("alarm over: {}: {}: {}", account_of(alarm), alarm.ended, facts);
    return fmt::format("alarm: {}{}: {}: {}: {}{}", event_mark(alarm), account_of(alarm), alarm.rule, alarm.reason,
                       facts, alarm.late ? "; late news" : "");
}

} // namespace smtpauth
