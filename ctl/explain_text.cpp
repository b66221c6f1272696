#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "collector/stats_log/line_names.hpp"
#include "common/units.hpp"
#include "ctl/columns.hpp"
#include "ctl/explain.hpp"
#include "ctl/filters.hpp"
#include "ctl/log_options.hpp"
#include "ctl/record_view.hpp"
#include "ctl/table.hpp"

namespace smtpauth {

namespace {

using Cause = Explanation::Cause;
using event::Record;

std::string field(std::string_view title, std::string_view text)
{
    return fmt::format("  {:<9} {}\n", title, text);
}

std::string account_of(const Record& record)
{
    return record.auth_id.empty() ? "mail without SMTP AUTH" : account_text(record.auth_id);
}

std::string_view cause_text(Cause cause)
{
    switch (cause) {
    case Cause::limit:
    case Cause::gone_limit:
        return " by the limit ";
    case Cause::reject_list:
        return " by the reject list";
    case Cause::block:
        return " because the account was blocked";
    case Cause::none:
    case Cause::other:
        break;
    }
    return "";
}

std::string block_text(const Record& record)
{
    return fmt::format("since {} until {}, by {}: {}", exact_text(record.eom_time), exact_text(record.until),
                       printable(record.rule), printable(record.reason));
}

std::string mail_text(const Record& record)
{
    std::string text = exact_text(record.eom_time);
    if (!record.queue_id.empty())
        text += ", queue id " + printable(record.queue_id);
    text += ", from " + client_text(record);
    if (record.sender)
        text += ", sender " + (record.sender->empty() ? std::string(null_sender) : printable(*record.sender));
    if (const auto count = event::recipient_count(record))
        text += fmt::format(", {} recipient{}", count, count == 1 ? "" : "s");
    if (record.size_bytes)
        text += fmt::format(", {} octets", *record.size_bytes);
    return text;
}

/// "20 + 1 = 21 recipients; the limit is 20".
std::string arithmetic(const LimitRule& rule, const Recount& count)
{
    std::string text = fmt::format("{} + {} = {} {}", count.used, count.amount, count.total(), to_text(rule.measure));
    if (!count.limit)
        return text + "; no limit";
    text += fmt::format("; the limit is {}", *count.limit);
    if (count.limit != rule.limit)
        text += fmt::format(" (others have {})", rule.limit);
    if (count.probation)
        text += fmt::format(", on probation until {}", short_text(*count.probation));
    return text;
}

std::string counted_text(const LimitRule& rule, const Recount& count, std::size_t most)
{
    const bool sums = rule.measure != Measure::networks;
    const std::size_t shown = std::min(most, count.counted.size());
    std::string text;
    if (!count.networks.empty()) {
        Columns columns({"last seen", "leaves", "network", "country"});
        for (const CountedNetwork& network : count.networks)
            columns.add({exact_text(network.last), exact_text(network.leaves), to_text(network.network),
                         printable(network.country)});
        text += "  networks that counted, that seen longest ago first:\n" + columns.to_text(4);
    }
    if (shown == 0)
        return text;
    text += shown == count.counted.size()
                ? fmt::format("  mail that counted, the oldest first ({}):\n", shown)
                : fmt::format("  mail that counted, the newest {} of {}:\n", shown, count.counted.size());
    Columns columns({"time", "leaves", ">" + std::string(sums ? to_text(rule.measure) : "recipients"), "queue id",
                     rule.scope == Scope::auth_id ? "sender" : "account", "client"});
    for (auto mail = count.counted.end() - static_cast<std::ptrdiff_t>(shown); mail != count.counted.end(); ++mail) {
        const Record& record = mail->mail.record;
        columns.add({exact_text(record.eom_time), exact_text(mail->leaves),
                     std::to_string(sums ? mail->amount : event::recipient_count(record)), printable(record.queue_id),
                     rule.scope == Scope::auth_id ? printable(record.sender.value_or("")) : account_of(record),
                     client_text(record)});
    }
    return text + columns.to_text(4);
}

std::string limit_text(const Explanation& explanation, std::size_t most)
{
    const LimitRule& rule = *explanation.rule;
    const Recount& count = *explanation.count;
    const Record& record = explanation.decision.record;
    std::string text = field("rule", fmt::format("{}: {}", rule.name, to_text(rule)));
    text += field("counted", arithmetic(rule, count));
    text += field("window", fmt::format("after {}", exact_text(record.eom_time - rule.window)));
    if (count.unblocked)
        text += field("unblocked", exact_text(*count.unblocked) + ": what was sent before counts no more");
    if (explanation.agrees == Explanation::Agreement::yes)
        text += field("checked", "the logs give the same numbers as the filter's answer");
    if (count.action != event::Action::accept)
        text += field("free", count.free ? fmt::format("{}: from then on the same would pass, if nothing is sent "
                                                       "meanwhile",
                                                       exact_text(*count.free))
                                         : "never: this alone is more than the limit");
    return text + counted_text(rule, count, most);
}

/// "  hourly: 12 of 300 recipients in 1h by this auth_id".
std::string stand_text(const Stand& stand, bool with_mail, bool with_filter)
{
    const Recount& count = stand.count;
    const std::uint64_t used = with_mail ? count.total() : count.used;
    std::string text = fmt::format("{}: {} of {} {} used in {} by this {}", stand.rule.name, used,
                                   count.limit ? std::to_string(*count.limit) : "any number of",
                                   to_text(stand.rule.measure), to_text(stand.rule.window), to_text(stand.rule.scope));
    if (!with_mail && used != 0)
        text += "; clear at " + exact_text(count.clear);
    if (count.probation)
        text += "; on probation until " + short_text(*count.probation);
    if (with_filter)
        text += fmt::format(" (filter of journal {})", stand.filter);
    return text;
}

std::string stands_text(std::string_view title, const std::vector<Stand>& stands, bool with_mail)
{
    const bool several = std::any_of(stands.begin(), stands.end(),
                                     [&](const Stand& stand) { return stand.filter != stands.front().filter; });
    std::string text;
    for (const Stand& stand : stands)
        text += field(text.empty() ? title : "", stand_text(stand, with_mail, several));
    return text;
}

std::string explanation_text(const Answer& answer, std::size_t most)
{
    const Explanation& explanation = *answer.explanation;
    const Record& record = explanation.decision.record;
    const bool named = explanation.cause == Cause::limit || explanation.cause == Cause::gone_limit;
    std::string text = fmt::format("{}: {} {}{}{}\n", account_of(record), fate_of(record), stage_text(record.stage),
                                   cause_text(explanation.cause), named ? printable(record.rule) : "");
    text += field("mail", mail_text(record));
    if (!record.auth_id_raw.empty())
        text += field("typed as", account_text(record.auth_id_raw));
    if (!record.reason.empty())
        text += field("answer", printable(record.reason));
    if (record.count > 1)
        text += field("folded", fmt::format("this line stands for {} refusals", record.count));
    if (explanation.cause == Cause::limit)
        text += limit_text(explanation, most);
    if (explanation.cause == Cause::none)
        text += stands_text("not refused", explanation.stands, true);
    if (explanation.cause == Cause::reject_list)
        text += field("now", !answer.is_listed   ? "the list cannot be read"
                             : *answer.is_listed ? "it is on the list"
                                                 : "it is on the list no more");
    if (explanation.block)
        text += field("blocked", block_text(explanation.block->record));
    for (const std::string& note : explanation.notes)
        text += field("note", note);
    return text;
}

std::string blocks_text(const Answer& answer)
{
    std::string text;
    for (const json::object& filter : answer.filters) {
        const json::value* const block = filter.if_contains("block");
        const std::string by = printable_member(filter, "daemon");
        if (block && block->is_object())
            text += field("blocked", fmt::format("until {}, since {}, by {}: {} ({})",
                                                 printable_member(block->get_object(), "until"),
                                                 printable_member(block->get_object(), "from"),
                                                 printable_member(block->get_object(), "by"),
                                                 printable_member(block->get_object(), "reason"), by));
        else
            text += field("blocked", fmt::format("no ({})", by));
        if (const std::string until = printable_member(filter, "probation_until"); !until.empty())
            text += field("probation", fmt::format("until {} ({})", until, by));
    }
    if (answer.filters.empty())
        text += field("blocked", answer.logged_block ? block_text(answer.logged_block->record) + " (by the logs)"
                                                     : "no (by the logs)");
    return text;
}

std::string account_summary(const Answer& answer)
{
    const Findings& found = answer.findings;
    std::string fates;
    for (const auto& [fate, count] : found.fates)
        fates += fmt::format("{}{} {}", fates.empty() ? "" : ", ", count, fate);
    std::string text;
    if (!answer.explanation)
        text += fmt::format("{}: not refused\n", account_text(answer.id));
    text += field("since", fmt::format("{}: {}", exact_text(answer.since), fates.empty() ? "no mail" : fates));
    if (found.last)
        text += field("last mail", fmt::format("{} {}", fate_of(found.last->record), mail_text(found.last->record)));
    text += stands_text("now", answer.stands, false);
    return text + blocks_text(answer);
}

std::string namesakes_text(const Answer& answer)
{
    std::string text;
    for (const LoggedRecord& namesake : answer.findings.namesakes)
        text += field("note",
                      fmt::format("an earlier message had this queue id, too: {}, {} {}", account_of(namesake.record),
                                  fate_of(namesake.record), mail_text(namesake.record)));
    return text;
}

} // namespace

std::string to_text(const Answer& answer, std::size_t most)
{
    if (answer.kind == Answer::Kind::nothing)
        return fmt::format("{}: no account and no queue id of the logs from {} to {}\n", printable(answer.asked),
                           exact_text(answer.since), exact_text(answer.until));
    std::string text = answer.explanation ? explanation_text(answer, most) : "";
    if (answer.kind == Answer::Kind::message)
        return text + namesakes_text(answer);
    text += account_summary(answer);
    if (answer.findings.message)
        text +=
            field("note", "there is a message of this queue id, too: " + mail_text(answer.findings.message->record));
    return text;
}

} // namespace smtpauth
