#include "filter/policy/limit_check.hpp"

#include <algorithm>
#include <utility>

#include "filter/policy/limit_text.hpp"
#include "proto/milter/reply.hpp"

namespace smtpauth {

namespace {

/// Requested action not taken for policy reasons (RFC 5321, 4.2.3; the enhanced codes: RFC 3463, 3.8).
constexpr int reject_code = 550;
constexpr int tempfail_code = 450;

/// What the smallest message adds.
std::uint64_t least_amount(Measure measure)
{
    return measure == Measure::messages || measure == Measure::recipients ? 1 : 0;
}

} // namespace

LimitCheck::LimitCheck(LimitRule rule, AccountState& state, LimitTerms terms)
    : rule_(std::move(rule)),
      state_(state),
      terms_(terms)
{
}

Verdict LimitCheck::at_mail(const event::Record& mail) const
{
    // Held mail passes here; a warning waits until there is a message that it is about.
    if (rule_.action != event::Action::reject && rule_.action != event::Action::tempfail)
        return {};
    return judge(mail, rule_.measure == Measure::networks ? amount_of(mail) : least_amount(rule_.measure));
}

Verdict LimitCheck::at_recipient(const event::Record& mail, std::string_view /*recipient*/) const
{
    return rule_.over == Over::recipient ? judge(mail, 1) : Verdict{};
}

Verdict LimitCheck::at_end_of_message(const event::Record& mail) const
{
    return judge(mail, amount_of(mail));
}

Verdict LimitCheck::judge(const event::Record& mail, std::uint64_t amount) const
{
    if (mail.auth_id.empty() && !rule_.unauthenticated)
        return {};
    std::string scratch;
    const std::string_view name = name_in(rule_.scope, mail, scratch);
    if (name.empty())
        return {};
    const auto limit = limit_for(mail);
    if (!limit)
        return {};
    const AccountPast* account = state_.find(rule_.scope, name, mail.eom_time);
    const Sum sum{used(account, mail.eom_time), reserved(name, mail.eom_time), amount};
    // A network that was seen before adds nothing: it goes on, however many there are.
    if (sum.total() <= *limit || (rule_.measure == Measure::networks && amount == 0))
        return {};
    return beyond(mail, account, sum, *limit);
}

LimitCheck::Standing LimitCheck::standing(const event::Record& mail) const
{
    const AccountPast* past = state_.find(rule_.scope, name_in(rule_.scope, mail), mail.eom_time);
    Standing found{.used = used(past, mail.eom_time),
                   .reserved = reserved(name_in(rule_.scope, mail), mail.eom_time),
                   .limit = limit_for(mail),
                   .clears = mail.eom_time};
    const auto counter = counter_of(rule_.measure);
    if (past && counter)
        found.clears = past->charges.falls_to(0, counter, mail.eom_time, rule_.window);
    else if (past)
        past->networks.for_each(
            [&](NetworkId, event::Time last) { found.clears = std::max(found.clears, last + rule_.window); });
    return found;
}

std::uint64_t LimitCheck::used(const AccountPast* account, event::Time now) const
{
    if (!account)
        return 0;
    const auto counter = counter_of(rule_.measure);
    return counter ? account->charges.sum(now, rule_.window).*counter : account->networks.count(now, rule_.window);
}

/// A rule that judges messages as a whole is not asked before their end, and need not look at what is under way.
std::uint64_t LimitCheck::reserved(std::string_view name, event::Time now) const
{
    const auto counter = counter_of(rule_.measure);
    return rule_.over == Over::recipient && terms_.reservations && counter
               ? terms_.reservations->sum(rule_.scope, name, now).*counter
               : 0;
}

std::uint64_t LimitCheck::amount_of(const event::Record& mail) const
{
    if (rule_.measure == Measure::new_recipients)
        return state_.new_recipients(mail);
    if (const auto counter = counter_of(rule_.measure))
        return charge_of(mail).*counter;
    const NetworkId network = network_of(mail.client_address);
    if (network == 0)
        return 0;
    const AccountPast* account = state_.find(rule_.scope, name_in(rule_.scope, mail), mail.eom_time);
    return account && account->networks.contains(network, mail.eom_time, rule_.window) ? 0 : 1;
}

std::optional<std::uint64_t> LimitCheck::limit_for(const event::Record& mail) const
{
    const auto usual = usual_limit_for(mail);
    // What accounts share, one of them cannot have less of: it would be refused for what the others sent.
    if (!usual || *usual == 0 || rule_.scope != Scope::auth_id || !terms_.blocks ||
        !terms_.blocks->probation(mail.auth_id, mail.eom_time))
        return usual;
    // In two parts: a limit on octets times 100 may be too large.
    const std::uint64_t less = *usual / 100 * terms_.probation_percent + *usual % 100 * terms_.probation_percent / 100;
    return std::max<std::uint64_t>(less, 1);
}

std::optional<std::uint64_t> LimitCheck::usual_limit_for(const event::Record& mail) const
{
    const LimitExceptions& exceptions = rule_.exceptions;
    if (!exceptions.empty() && !mail.auth_id.empty()) {
        if (const auto own = exceptions.accounts.find(mail.auth_id); own != exceptions.accounts.end())
            return own->second;
        const auto domain = exceptions.domains.find(name_in(Scope::domain, mail));
        if (domain != exceptions.domains.end())
            return domain->second;
    }
    return rule_.limit;
}

Verdict LimitCheck::beyond(const event::Record& mail, const AccountPast* account, const Sum& sum,
                           std::uint64_t limit) const
{
    LimitNumbers numbers{.limit = limit, .total = sum.total(), .under_way = sum.reserved, .wait = {}};
    const auto counter = counter_of(rule_.measure);
    const std::uint64_t more = sum.reserved + sum.amount;
    if (account && counter && more <= limit)
        numbers.wait = account->charges.falls_to(limit - more, counter, mail.eom_time, rule_.window) - mail.eom_time;

    Verdict verdict{rule_.action, limit_text(rule_, numbers), rule_.name};
    verdict.finding = finding(rule_, numbers);
    if (is_to_be_blocked(mail, account, sum, limit))
        verdict.block = rule_.block;
    if (rule_.action == event::Action::reject)
        verdict.reply = milter::smtp_reply(reject_code, "5.7.1 " + verdict.reply);
    else if (rule_.action == event::Action::tempfail)
        verdict.reply = milter::smtp_reply(tempfail_code, "4.7.1 " + verdict.reply);
    return verdict;
}

/// Not for what may yet be given back, and not once more for what it was blocked for: a window that is still full when
/// the block ends would make the next one, twice as long, of every try.
bool LimitCheck::is_to_be_blocked(const event::Record& mail, const AccountPast* account, const Sum& sum,
                                  std::uint64_t limit) const
{
    if (sum.used + sum.amount <= limit)
        return false;
    const Block* const last = terms_.blocks ? terms_.blocks->last(mail.auth_id) : nullptr;
    return !last || (account && !account->charges.empty() && account->charges.newest() > last->from);
}

} // namespace smtpauth
