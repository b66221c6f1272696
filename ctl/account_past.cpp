#include "ctl/account_past.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>
#include <variant>

#include "ctl/filter_chains.hpp"
#include "ctl/record_view.hpp"
#include "ctl/recount.hpp"
#include "filter/policy/account_state.hpp"
#include "proto/ltsv/ltsv.hpp"

namespace smtpauth {

namespace {

using event::RecordType;

bool is_change(const event::Record& record)
{
    return record.type == RecordType::block || record.type == RecordType::unblock;
}

std::string mark_of(std::string_view label, std::string_view value)
{
    std::string mark = std::string(label) + ':';
    ltsv::append_escaped(mark, value);
    return mark;
}

bool contains(std::string_view line, std::string_view mark)
{
    return line.find(mark) != std::string_view::npos;
}

auto order_of(const LoggedRecord& logged)
{
    return std::make_tuple(logged.record.eom_time, logged.id.journal, logged.id.sequence);
}

bool is_later(const LoggedRecord& logged, const std::optional<LoggedRecord>& than)
{
    return !than || order_of(logged) > order_of(*than);
}

void note_errors(std::vector<std::string>& errors, const MergedLogs& logs)
{
    for (const LogReader* log : {&logs.stats(), &logs.rejects()})
        errors.insert(errors.end(), log->errors().begin(), log->errors().end());
}

class Finder {
public:
    Finder(const std::string& id, std::string_view queue_id) : id_(id), queue_id_(queue_id) {}

    void take(LoggedRecord logged)
    {
        if (!queue_id_.empty() && logged.record.queue_id == queue_id_)
            messages_.push_back(logged);
        if (logged.record.auth_id != id_)
            return;
        if (is_change(logged.record)) {
            found_.changes.push_back(std::move(logged));
        } else if (event::is_of_mail(logged.record.type)) {
            found_.fates[std::string(fate_of(logged.record))] += logged.record.count;
            if (!logged.record.rule.empty() && is_later(logged, found_.objection))
                found_.objection = logged;
            if (is_later(logged, found_.last))
                found_.last = std::move(logged);
        }
    }

    Findings finish()
    {
        const auto earlier = [](const auto& a, const auto& b) { return order_of(a) < order_of(b); };
        std::sort(found_.changes.begin(), found_.changes.end(), earlier);
        std::sort(messages_.begin(), messages_.end(), earlier);
        if (!messages_.empty()) {
            found_.message = std::move(messages_.back());
            messages_.pop_back();
        }
        found_.namesakes = std::move(messages_);
        return std::move(found_);
    }

private:
    const std::string& id_;
    std::string_view queue_id_;
    std::vector<LoggedRecord> messages_;
    Findings found_;
};

/// Finds the lines of the names that rules look at.
class Wanted {
public:
    Wanted(const event::Record& mail, const std::vector<LimitRule>& rules)
    {
        for (const LimitRule& rule : rules)
            if (const std::string name = name_in(rule.scope, mail); !name.empty())
                names_.emplace(rule.scope, name);
        if (!mail.auth_id.empty())
            names_.emplace(Scope::auth_id, mail.auth_id); // blocks and their ends
        for (const auto& [scope, name] : names_) {
            if (scope == Scope::sender)
                every_line_ = true; // letters may be of either case there
            else
                marks_.push_back(scope == Scope::auth_id ? mark_of("auth_id", name) : escaped("@" + name));
        }
    }

    bool may_be(std::string_view line) const
    {
        return every_line_ || contains(line, "\taction:loss\t") ||
               std::any_of(marks_.begin(), marks_.end(), [line](const auto& mark) { return contains(line, mark); });
    }

    bool is(const event::Record& record) const
    {
        return std::any_of(names_.begin(), names_.end(),
                           [&](const auto& wanted) { return name_in(wanted.first, record) == wanted.second; });
    }

private:
    static std::string escaped(std::string_view text)
    {
        std::string result;
        ltsv::append_escaped(result, text);
        return result;
    }

    std::set<std::pair<Scope, std::string>> names_;
    std::vector<std::string> marks_; ///< one of them stands in each line that is wanted
    bool every_line_ = false;
};

/// What limits need of a record. A month of newsletters may have very many recipients.
void shed_recipients(event::Record& record)
{
    record.rcpt_unlisted += static_cast<std::uint32_t>(record.recipients.size());
    record.recipients = {};
}

/// Deals records out to the filters that made them.
std::vector<FilterPast> deal(const FilterChains& chains, const std::vector<LoggedRecord>& records,
                             const std::optional<event::RecordId>& before)
{
    std::vector<FilterPast> filters;
    for (const auto& [journals, from_beginning, begin] : chains.filters()) {
        const std::set<std::uint64_t> own(journals.begin(), journals.end());
        const auto is_own = [&](std::uint64_t journal) { return own.contains(journal); };
        if (before && !is_own(before->journal))
            continue;
        FilterPast past{journals, {}, from_beginning, begin};
        for (const LoggedRecord& logged : records)
            if (is_own(logged.id.journal) && (!before || logged.id.sequence < before->sequence))
                past.records.push_back(logged);
        std::sort(past.records.begin(), past.records.end(),
                  [](const auto& a, const auto& b) { return a.id.sequence < b.id.sequence; });
        if (before || !past.records.empty())
            filters.push_back(std::move(past));
    }
    return filters;
}

/// Another filter's lines tell nothing: it may have sent a backlog that is older than all the rest.
void note_begin(AccountPasts& pasts, event::Time window_begin)
{
    for (const FilterPast& filter : pasts.filters) {
        if (filter.from_beginning || filter.begin <= window_begin)
            continue;
        pasts.reaches_back = false;
        pasts.begin = std::max(pasts.begin, filter.begin);
    }
}

/// Of one that lasts when the mail comes: whose filter it was, the lines between tell.
event::Time begin_of_probation(const event::Record& mail, const std::vector<LoggedRecord>& changes)
{
    event::Time begin = mail.eom_time;
    for (const LoggedRecord& change : changes)
        if (change.record.type == RecordType::unblock && change.record.until > mail.eom_time)
            begin = std::min(begin, change.record.eom_time);
    return begin;
}

} // namespace

Findings find_in_logs(const CollectorConfig& config, const std::string& id, std::string_view queue_id,
                      event::Time since, event::Time until)
{
    Finder finder(id, queue_id);
    const std::string account_mark = mark_of("auth_id", id);
    const std::string queue_mark = mark_of("queue_id", queue_id);
    const auto may_be = [&](std::string_view line) {
        return contains(line, account_mark) || (!queue_id.empty() && contains(line, queue_mark));
    };
    MergedLogs logs(system_disk(), config.stats_log, config.rejects_log, since, OldLines::show);
    while (const auto line = logs.next()) {
        if (!may_be(line->text))
            continue;
        auto read = read_log_line(line->text);
        auto* logged = std::get_if<LoggedRecord>(&read);
        if (logged && logged->record.eom_time >= since && logged->record.eom_time <= until)
            finder.take(std::move(*logged));
    }
    Findings found = finder.finish();
    note_errors(found.errors, logs);
    return found;
}

AccountPasts read_pasts(const CollectorConfig& config, const event::Record& mail, const std::vector<LimitRule>& rules,
                        const std::optional<event::RecordId>& before, const std::vector<LoggedRecord>& changes)
{
    const Windows windows = longest_windows(rules);
    const event::Milliseconds window =
        knows_recipients(rules) ? acquaintance : *std::max_element(windows.begin(), windows.end());
    const event::Time window_begin = mail.eom_time - window;
    const event::Time since = std::min(window_begin, begin_of_probation(mail, changes));
    const Wanted wanted(mail, rules);
    AccountPasts pasts;
    FilterChains chains;
    std::vector<LoggedRecord> records;
    MergedLogs logs(system_disk(), config.stats_log, config.rejects_log, since, OldLines::show);
    while (const auto line = logs.next()) {
        chains.add(line->marks);
        if (!is_as_young(line->marks, since) || !wanted.may_be(line->text))
            continue;
        auto read = read_log_line(line->text);
        auto* logged = std::get_if<LoggedRecord>(&read);
        if (!logged || (!before && logged->record.eom_time > mail.eom_time))
            continue;
        if (logged->record.type == RecordType::loss && logged->record.eom_time <= mail.eom_time)
            pasts.lost += logged->record.count;
        else if (wanted.is(logged->record) && (is_charged(logged->record) || is_change(logged->record))) {
            if (!knows_recipients(rules))
                shed_recipients(logged->record);
            records.push_back(std::move(*logged));
        }
    }
    for (const LoggedRecord& change : changes)
        if (std::none_of(records.begin(), records.end(), [&](const auto& known) { return known.id == change.id; })) {
            chains.add({change.id, change.record.eom_time});
            records.push_back(change);
        }
    pasts.filters = deal(chains, records, before);
    note_begin(pasts, window_begin);
    pasts.reaches_back = pasts.reaches_back || logs.stats().reaches_back();
    pasts.foreign_lines = logs.stats().foreign_lines() + logs.rejects().foreign_lines();
    note_errors(pasts.errors, logs);
    return pasts;
}

} // namespace smtpauth
