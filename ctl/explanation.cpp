#include "ctl/explanation.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "collector/stats_log/line_names.hpp"
#include "common/units.hpp"
#include "ctl/log_options.hpp"
#include "ctl/record_view.hpp"
#include "ctl/table.hpp"
#include "filter/policy/account_state.hpp"
#include "filter/policy/reject_list.hpp"
#include "proto/event/record_id.hpp"

namespace smtpauth {

namespace {

using Agreement = Explanation::Agreement;
using Cause = Explanation::Cause;

constexpr std::string_view block_rule = "block";

/// Without the codes of a reply: "450 4.7.1 ".
std::string_view without_codes(std::string_view answer)
{
    const std::size_t begin = answer.find_first_not_of("0123456789. ");
    return begin == std::string_view::npos ? std::string_view() : answer.substr(begin);
}

/// "NAME: 21 messages in 1m ...": 21. Nothing where the text is another.
std::optional<std::uint64_t> total_in(std::string_view reason, std::string_view rule)
{
    reason = without_codes(reason);
    if (!reason.starts_with(rule) || !reason.substr(rule.size()).starts_with(": "))
        return std::nullopt;
    reason.remove_prefix(rule.size() + 2);
    std::uint64_t total = 0;
    const auto [end, error] = std::from_chars(reason.data(), reason.data() + reason.size(), total);
    return error == std::errc{} ? std::optional(total) : std::nullopt;
}

/// What stands behind the total in the answer of this rule, whatever else it is.
std::string terms_of(const LimitRule& rule, std::optional<std::uint64_t> limit)
{
    return fmt::format(" {} in {} by this {}, at most {}", to_text(rule.measure), to_text(rule.window),
                       to_text(rule.scope), limit.value_or(0));
}

/// Where single recipients are judged, those of messages under way count: more than the logs tell is no contradiction.
bool is_more_under_way(const LimitRule& rule, const event::Record& decision, std::uint64_t total, const Recount& count)
{
    return rule.over == Over::recipient && total > count.total() &&
           decision.reason.find(terms_of(rule, count.limit)) != std::string::npos;
}

/// What no limit of the configuration can say, the answer to `decision` tells.
std::string answer_text(const event::Record& decision)
{
    return fmt::format("the filter's answer was \"{}\"", printable(decision.reason));
}

/// The block that was in force, or nothing where the logs do not reach back to its beginning.
std::optional<LoggedRecord> block_before(const LoggedRecord& decision, const std::vector<LoggedRecord>& changes)
{
    std::optional<LoggedRecord> found;
    for (const LoggedRecord& change : changes)
        if (is_block_in_force(change.record, decision.record.eom_time))
            found = change;
    return found;
}

} // namespace

bool is_block_in_force(const event::Record& record, event::Time when)
{
    return record.type == event::RecordType::block && record.until != event::Time{} && record.eom_time <= when &&
           when < record.until;
}

std::string to_text(const LimitRule& rule)
{
    return fmt::format("{} per {}, at most {} in {}, {}", to_text(rule.measure), to_text(rule.scope), rule.limit,
                       to_text(rule.window), name_of(action_names, rule.action));
}

std::vector<std::string> doubts(const AccountPasts& pasts)
{
    std::vector<std::string> notes;
    if (!pasts.reaches_back)
        notes.push_back(fmt::format("the logs begin only at {}: what was sent before is not counted here",
                                    exact_text(pasts.begin)));
    if (pasts.lost != 0)
        notes.push_back(
            fmt::format("{} records of that time were lost (lines action:loss): they may be missing here", pasts.lost));
    if (pasts.foreign_lines != 0)
        notes.push_back(
            fmt::format("{} lines of the logs could not be read: not written by this program", pasts.foreign_lines));
    return notes;
}

AccountPasts Explainer::pasts_of(const event::Record& mail, const std::vector<LimitRule>& rules,
                                 const std::optional<event::RecordId>& before, const std::vector<LoggedRecord>& changes)
{
    AccountPasts pasts = read_pasts(logs_, mail, rules, before, changes);
    errors_.insert(errors_.end(), pasts.errors.begin(), pasts.errors.end());
    return pasts;
}

Explanation Explainer::explain(const LoggedRecord& decision, const std::vector<LoggedRecord>& changes)
{
    Explanation explanation{.decision = decision};
    const event::Record& record = decision.record;
    if (record.rule == RejectListCheck::rule) {
        explanation.cause = Cause::reject_list;
    } else if (record.rule == block_rule) {
        explanation.cause = Cause::block;
        explanation.block = block_before(decision, changes);
        if (!explanation.block)
            explanation.notes.emplace_back("the logs that were read do not tell when it was blocked (--since)");
    } else if (!record.rule.empty()) {
        explain_limit(explanation, changes);
    } else if (is_counted(record)) {
        explain_pass(explanation, changes);
    } else {
        explanation.cause = Cause::other;
    }
    return explanation;
}

void Explainer::explain_limit(Explanation& explanation, const std::vector<LoggedRecord>& changes)
{
    const event::Record& record = explanation.decision.record;
    const auto rule = std::find_if(filter_.limits.begin(), filter_.limits.end(),
                                   [&](const LimitRule& limit) { return limit.name == record.rule; });
    if (rule == filter_.limits.end()) {
        explanation.cause = Cause::gone_limit;
        explanation.notes.push_back(fmt::format("the configuration has no limit \"{}\" now, or it is off: {}",
                                                printable(record.rule), answer_text(record)));
        return;
    }
    explanation.cause = Cause::limit;
    explanation.rule = *rule;
    const AccountPasts pasts = pasts_of(record, {*rule}, explanation.decision.id, changes);
    const std::vector<LoggedRecord> nothing;
    explanation.count = recount(*rule, pasts.filters.empty() ? nothing : pasts.filters.front().records, record,
                                filter_.probation_percent);
    compare(explanation);
    if (explanation.agrees == Agreement::yes)
        return; // nothing that counts is missing
    for (std::string& doubt : doubts(pasts))
        explanation.notes.push_back(std::move(doubt));
}

void Explainer::compare(Explanation& explanation) const
{
    const event::Record& record = explanation.decision.record;
    const LimitRule& rule = *explanation.rule;
    const Recount& count = *explanation.count;
    auto& notes = explanation.notes;
    const bool acts = count.action != event::Action::accept;
    if (acts && count.action != record.action)
        notes.push_back(fmt::format("the limit's action is now {}", name_of(action_names, rule.action)));
    if (count.listed() != count.used)
        notes.push_back(fmt::format("the list adds up to {}: the filter's clock was set back, or it joined old entries "
                                    "because there were very many",
                                    count.listed()));
    if (record.reason.empty()) { // a warning, of which the log has no numbers
        explanation.agrees = acts ? Agreement::unknown : Agreement::no;
        if (!acts)
            notes.emplace_back("by these logs and this configuration the limit would not have acted");
        return;
    }
    if (without_codes(record.reason) == without_codes(count.answer)) {
        explanation.agrees = Agreement::yes;
        return;
    }
    notes.push_back(answer_text(record));
    const auto total = total_in(record.reason, rule.name);
    if (total && is_more_under_way(rule, record, *total, count)) {
        explanation.agrees = Agreement::unknown;
        notes.push_back(
            fmt::format("the filter counted {}, these logs make it {}: recipients of messages that were under "
                        "way then count, too, and no log has those",
                        *total, count.total()));
        return;
    }
    explanation.agrees = Agreement::no;
    if (total && record.reason.find(terms_of(rule, count.limit)) == std::string::npos)
        notes.emplace_back("the limit is another now than it was then: the configuration has been changed, or the "
                           "account was on probation");
    if (total && *total != count.total())
        notes.push_back(fmt::format("the filter counted {}, these logs make it {}", *total, count.total()));
}

/// How the message stood with each limit, itself included.
void Explainer::explain_pass(Explanation& explanation, const std::vector<LoggedRecord>& changes)
{
    const event::Record& record = explanation.decision.record;
    const AccountPasts pasts = pasts_of(record, filter_.limits, explanation.decision.id, changes);
    for (const LimitRule& rule : filter_.limits) {
        if (name_in(rule.scope, record).empty() || (record.auth_id.empty() && !rule.unauthenticated))
            continue;
        for (const FilterPast& past : pasts.filters)
            explanation.stands.push_back({event::journal_to_string(past.journals.back()), rule,
                                          recount(rule, past.records, record, filter_.probation_percent)});
    }
    for (const Stand& stand : explanation.stands)
        if (stand.count.action != event::Action::accept)
            explanation.notes.push_back(
                fmt::format("by these logs and this configuration the limit \"{}\" would have acted: {}",
                            stand.rule.name, printable(stand.count.answer)));
    for (std::string& doubt : doubts(pasts))
        explanation.notes.push_back(std::move(doubt));
}

std::vector<Stand> Explainer::stands(const std::string& auth_id, event::Time when,
                                     const std::vector<LoggedRecord>& changes)
{
    event::Record mail;
    mail.auth_id = auth_id;
    mail.eom_time = when;
    std::vector<LimitRule> rules;
    std::copy_if(filter_.limits.begin(), filter_.limits.end(), std::back_inserter(rules),
                 [](const LimitRule& rule) { return rule.scope != Scope::sender; });
    const AccountPasts pasts = pasts_of(mail, rules, std::nullopt, changes);
    std::vector<Stand> stands;
    for (const LimitRule& rule : rules) {
        if (name_in(rule.scope, mail).empty())
            continue;
        for (const FilterPast& past : pasts.filters)
            stands.push_back({event::journal_to_string(past.journals.back()), rule,
                              standing(rule, past.records, mail, filter_.probation_percent)});
        if (pasts.filters.empty())
            stands.push_back({"", rule, standing(rule, {}, mail, filter_.probation_percent)});
    }
    return stands;
}

} // namespace smtpauth
