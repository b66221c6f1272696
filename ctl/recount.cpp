#include "ctl/recount.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "filter/policy/limit_check.hpp"

namespace smtpauth {

namespace {

/// The mail as it would have been charged. At MAIL it is judged by the least that could follow.
event::Record as_charged(const event::Record& mail)
{
    event::Record charged = mail;
    charged.type = event::RecordType::message;
    charged.action = event::Action::accept;
    if (mail.type == event::RecordType::refusal && mail.stage == event::Stage::mail) {
        charged.recipients = {};
        charged.rcpt_unlisted = 1;
        charged.rcpt_refused = 0;
        charged.size_bytes.reset();
    }
    return charged;
}

class Counting {
public:
    Counting(const LimitRule& rule, const std::vector<LoggedRecord>& past, const event::Record& mail, unsigned percent)
        : rule_(rule),
          past_(past),
          mail_(mail),
          state_({.keep = longest_windows({rule}),
                  .unauthenticated_senders = rule.unauthenticated,
                  .recipients = knows_recipients({rule}),
                  .max_bytes = std::numeric_limits<std::uint64_t>::max()}),
          check_(rule, state_, {&blocks_, percent, {}})
    {
        for (const LoggedRecord& logged : past_) {
            state_.apply(logged.record);
            blocks_.apply(logged.record);
        }
    }

    Recount stand()
    {
        const LimitCheck::Standing before = check_.standing(mail_);
        result_.used = before.used;
        result_.limit = before.limit;
        result_.clear = before.clears;
        if (rule_.scope == Scope::auth_id)
            result_.probation = blocks_.probation(mail_.auth_id, mail_.eom_time);
        list();
        return std::move(result_);
    }

    Recount judge()
    {
        const Verdict verdict = ask();
        result_.action = verdict.action;
        result_.answer = verdict.reason();
        Recount result = stand();
        state_.apply(as_charged(mail_));
        result.amount = check_.standing(mail_).used - result.used;
        result.free = free_from(result);
        return result;
    }

private:
    /// As the filter asked, at the command that was answered.
    Verdict ask() const
    {
        if (mail_.type != event::RecordType::refusal)
            return check_.at_end_of_message(mail_);
        return mail_.stage == event::Stage::mail ? check_.at_mail(mail_) : check_.at_recipient(mail_, "");
    }

    /// In what the rule counts. Asked of each message in turn: whom one was written to, the next knows.
    std::uint64_t amount_of(const event::Record& record)
    {
        if (rule_.measure == Measure::new_recipients)
            return is_counted(record) ? known_.learn(record) : 0;
        const auto counter = counter_of(rule_.measure);
        return counter ? charge_for(record).*counter : 0;
    }

    void list()
    {
        const std::string name = name_in(rule_.scope, mail_);
        std::map<NetworkId, CountedNetwork> networks;
        for (const LoggedRecord& logged : past_) {
            const event::Record& record = logged.record;
            if (forgets(record)) {
                result_.counted.clear();
                networks.clear();
                result_.unblocked = record.eom_time;
            }
            if (name.empty() || !is_charged(record) || name_in(rule_.scope, record) != name ||
                (record.auth_id.empty() && !rule_.unauthenticated))
                continue;
            const std::uint64_t amount = amount_of(record);
            if (mail_.eom_time - record.eom_time >= rule_.window || (!is_counted(record) && amount == 0))
                continue;
            const event::Time leaves = record.eom_time + rule_.window;
            result_.counted.push_back({logged, amount, leaves});
            if (!is_counted(record))
                continue;
            if (const NetworkId network = network_of(record.client_address))
                networks[network] = {network, record.country, record.eom_time, leaves};
        }
        if (rule_.measure == Measure::networks)
            for (auto& [id, network] : networks)
                result_.networks.push_back(std::move(network));
        std::stable_sort(result_.networks.begin(), result_.networks.end(),
                         [](const auto& a, const auto& b) { return a.last < b.last; });
        if (result_.unblocked && mail_.eom_time - *result_.unblocked >= rule_.window)
            result_.unblocked.reset();
    }

    bool forgets(const event::Record& record) const
    {
        return rule_.scope == Scope::auth_id && record.type == event::RecordType::unblock &&
               record.auth_id == mail_.auth_id;
    }

    std::optional<event::Time> free_from(const Recount& result) const
    {
        if (!result.limit || result.total() <= *result.limit)
            return mail_.eom_time;
        std::uint64_t left = result.used;
        for (const CountedMail& counted : result.counted) {
            left -= std::min(left, counted.amount);
            if (counted.amount != 0 && left + result.amount <= *result.limit)
                return counted.leaves;
        }
        for (const CountedNetwork& network : result.networks)
            if (--left + result.amount <= *result.limit)
                return network.leaves;
        return std::nullopt;
    }

    const LimitRule& rule_;
    const std::vector<LoggedRecord>& past_;
    const event::Record& mail_;
    AccountState state_;
    BlockList blocks_;
    LimitCheck check_;
    KnownRecipients known_; ///< to list()
    Recount result_;
};

} // namespace

bool is_counted(const event::Record& record)
{
    return event::passed(record) || (record.type == event::RecordType::message && record.action == event::Action::hold);
}

bool is_charged(const event::Record& record)
{
    return charge_for(record) != Charge{};
}

std::uint64_t Recount::listed() const
{
    std::uint64_t sum = networks.size();
    for (const CountedMail& mail : counted)
        sum += mail.amount;
    return sum;
}

Recount recount(const LimitRule& rule, const std::vector<LoggedRecord>& past, const event::Record& mail,
                unsigned percent)
{
    return Counting(rule, past, mail, percent).judge();
}

Recount standing(const LimitRule& rule, const std::vector<LoggedRecord>& past, const event::Record& mail,
                 unsigned percent)
{
    return Counting(rule, past, mail, percent).stand();
}

} // namespace smtpauth
