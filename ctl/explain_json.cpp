#include <algorithm>
#include <string_view>
#include <utility>

#include "collector/stats_log/line_names.hpp"
#include "ctl/explain.hpp"
#include "ctl/log_options.hpp"
#include "ctl/record_view.hpp"
#include "filter/policy/account_state.hpp"

namespace smtpauth {

namespace {

using Cause = Explanation::Cause;

std::string_view word_of(Cause cause)
{
    switch (cause) {
    case Cause::none:
        return "none";
    case Cause::limit:
        return "limit";
    case Cause::gone_limit:
        return "gone-limit";
    case Cause::reject_list:
        return "reject-list";
    case Cause::block:
        return "block";
    case Cause::other:
        return "other";
    }
    return "";
}

std::string_view word_of(Answer::Kind kind)
{
    switch (kind) {
    case Answer::Kind::nothing:
        return "nothing";
    case Answer::Kind::account:
        return "account";
    case Answer::Kind::message:
        return "message";
    }
    return "";
}

json::value time_or_null(const std::optional<event::Time>& time)
{
    return time ? json::value(json_text(json_time(*time))) : json::value();
}

json::object rule_json(const LimitRule& rule)
{
    return {{"name", json_text(rule.name)},
            {"count", json_text(to_text(rule.measure))},
            {"per", json_text(to_text(rule.scope))},
            {"limit", rule.limit},
            {"window_s", std::chrono::floor<std::chrono::seconds>(rule.window).count()},
            {"action", json_text(name_of(action_names, rule.action))}};
}

void add_numbers(json::object& object, const Recount& count)
{
    object.emplace("used", count.used);
    object.emplace("limit", count.limit ? json::value(*count.limit) : json::value());
    if (count.probation)
        object.emplace("probation_until", json_text(json_time(*count.probation)));
    if (count.unblocked)
        object.emplace("unblocked", json_text(json_time(*count.unblocked)));
}

json::object counted_json(const CountedMail& counted)
{
    json::object mail = to_json(counted.mail);
    mail.emplace("amount", counted.amount);
    mail.emplace("leaves", json_text(json_time(counted.leaves)));
    if (const NetworkId network = network_of(counted.mail.record.client_address))
        mail.emplace("network", json_text(to_text(network)));
    return mail;
}

json::object recount_json(const Explanation& explanation, std::optional<std::size_t> most)
{
    const Recount& count = *explanation.count;
    json::object object;
    add_numbers(object, count);
    object.emplace("amount", count.amount);
    object.emplace("total", count.total());
    object.emplace("window_begins",
                   json_text(json_time(explanation.decision.record.eom_time - explanation.rule->window)));
    object.emplace("free", time_or_null(count.free));
    object.emplace("agrees", explanation.agrees == Explanation::Agreement::unknown
                                 ? json::value()
                                 : json::value(explanation.agrees == Explanation::Agreement::yes));
    json::array counted;
    const std::size_t shown = std::min(most.value_or(count.counted.size()), count.counted.size());
    for (auto mail = count.counted.end() - static_cast<std::ptrdiff_t>(shown); mail != count.counted.end(); ++mail)
        counted.push_back(counted_json(*mail));
    object.emplace("counted_mails", count.counted.size());
    object.emplace("counted", std::move(counted));
    json::array networks;
    for (const CountedNetwork& network : count.networks)
        networks.push_back({{"network", json_text(to_text(network.network))},
                            {"country", json_text(network.country)},
                            {"last", json_text(json_time(network.last))},
                            {"leaves", json_text(json_time(network.leaves))}});
    object.emplace("networks", std::move(networks));
    return object;
}

json::array stands_json(const std::vector<Stand>& stands, bool with_mail)
{
    json::array array;
    for (const Stand& stand : stands) {
        json::object object{{"filter", json_text(stand.filter)}, {"rule", rule_json(stand.rule)}};
        add_numbers(object, stand.count);
        if (with_mail) {
            object.emplace("amount", stand.count.amount);
            object.emplace("total", stand.count.total());
        } else {
            object.emplace("clear", json_text(json_time(stand.count.clear)));
        }
        array.push_back(std::move(object));
    }
    return array;
}

json::object explanation_json(const Answer& answer, std::optional<std::size_t> most)
{
    const Explanation& explanation = *answer.explanation;
    json::object object{{"decision", to_json(explanation.decision)}, {"cause", json_text(word_of(explanation.cause))}};
    if (explanation.rule)
        object.emplace("rule", rule_json(*explanation.rule));
    if (explanation.count)
        object.emplace("arithmetic", recount_json(explanation, most));
    if (explanation.block)
        object.emplace("block", to_json(*explanation.block));
    if (explanation.cause == Cause::reject_list)
        object.emplace("listed_now", answer.is_listed ? json::value(*answer.is_listed) : json::value());
    if (explanation.cause == Cause::none)
        object.emplace("stands", stands_json(explanation.stands, true));
    json::array notes;
    for (const std::string& note : explanation.notes)
        notes.push_back(json_text(note));
    object.emplace("notes", std::move(notes));
    return object;
}

json::object account_json(const Answer& answer)
{
    json::object fates;
    for (const auto& [fate, count] : answer.findings.fates)
        fates.emplace(fate, count);
    json::object object{
        {"id", json_text(answer.id)}, {"mail", std::move(fates)}, {"stands", stands_json(answer.stands, false)}};
    if (answer.findings.last)
        object.emplace("last", to_json(*answer.findings.last));
    json::array filters;
    for (const json::object& filter : answer.filters)
        filters.push_back(filter);
    object.emplace("filters", std::move(filters));
    if (answer.filters.empty())
        object.emplace("logged_block",
                       answer.logged_block ? json::value(to_json(*answer.logged_block)) : json::value());
    json::array changes;
    for (const LoggedRecord& change : answer.findings.changes)
        changes.push_back(to_json(change));
    object.emplace("changes", std::move(changes));
    return object;
}

} // namespace

json::object to_json(const Answer& answer, std::optional<std::size_t> most)
{
    json::object object{{"asked", json_text(answer.asked)},
                        {"kind", json_text(word_of(answer.kind))},
                        {"since", json_text(json_time(answer.since))},
                        {"until", json_text(json_time(answer.until))}};
    if (answer.explanation)
        object.emplace("explanation", explanation_json(answer, most));
    if (answer.kind == Answer::Kind::account)
        object.emplace("account", account_json(answer));
    if (answer.kind == Answer::Kind::message) {
        json::array namesakes;
        for (const LoggedRecord& namesake : answer.findings.namesakes)
            namesakes.push_back(to_json(namesake));
        object.emplace("earlier_messages", std::move(namesakes));
    }
    return object;
}

} // namespace smtpauth
