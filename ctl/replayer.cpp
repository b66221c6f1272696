#include "ctl/replayer.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "filter/policy/limit_check.hpp"

namespace smtpauth {

namespace {

constexpr std::string_view risk_rule = "risk";

/// What a hand has decided stays decided.
constexpr std::string_view by_hand = "admin";
constexpr std::string_view by_list = "reject_ids";

constexpr std::chrono::hours strange_memory(24);

AccountState::Settings account_settings(const Replayer::Settings& settings)
{
    const auto is_for_all = [](const LimitRule& rule) { return rule.unauthenticated; };
    return {.keep = longest_windows(settings.limits),
            .unauthenticated_senders = std::any_of(settings.limits.begin(), settings.limits.end(), is_for_all),
            .recipients = knows_recipients(settings.limits),
            .max_bytes = settings.state_max_bytes};
}

CheckList limit_checks(const std::vector<LimitRule>& limits, AccountState& accounts)
{
    std::vector<std::unique_ptr<const Check>> checks;
    checks.reserve(limits.size());
    for (const LimitRule& rule : limits)
        checks.push_back(std::make_unique<LimitCheck>(rule, accounts));
    return CheckList(std::move(checks));
}

} // namespace

Replayer::Replayer(Settings settings)
    : settings_(std::move(settings)),
      accounts_(account_settings(settings_)),
      risk_({.model = settings_.risk}),
      risk_check_(risk_, {.bulk = settings_.bulk}),
      limits_(limit_checks(settings_.limits, accounts_))
{
}

void Replayer::take(event::Record& record)
{
    switch (record.type) {
    case event::RecordType::message:
        if (record.rule != by_list)
            judge(record);
        break;
    case event::RecordType::refusal:
        ++counts_.early_refusals;
        break;
    case event::RecordType::attempt:
        accounts_.apply(record);
        break;
    case event::RecordType::block: // others than those by hand are made anew
        if (record.rule == by_hand) {
            blocks_in_force_.apply(record);
            risk_.apply(record);
        }
        break;
    case event::RecordType::unblock:
        blocks_in_force_.apply(record);
        accounts_.apply(record);
        risk_.apply(record);
        break;
    case event::RecordType::void_record:
    case event::RecordType::loss:
        break;
    }
}

void Replayer::judge(event::Record& mail)
{
    ++counts_.messages;
    had_passed_ = event::passed(mail);
    mail.action = event::Action::accept;
    complete(mail);
    if (mail.auth_id.empty()) {
        const Verdict verdict = limits_.at_end_of_message(mail);
        verdict.passes() ? pass(mail, verdict, {}) : refuse_by_limit(mail, verdict);
        return;
    }
    const RiskAssessment found = risk_check_.assess(mail);
    if (blocks_in_force_.find(mail.auth_id, mail.eom_time))
        return refuse_by_block(mail, found);
    if (risk_check_.objects(mail, found))
        return block(mail, found);
    const Verdict verdict = limits_.at_end_of_message(mail);
    if (verdict.passes() || verdict.action == event::Action::hold)
        pass(mail, verdict, found);
    else
        refuse_by_limit(mail, verdict);
}

/// What the filter of today would have written into the record.
void Replayer::complete(event::Record& mail) const
{
    mail.auth_id = settings_.normalize(mail.auth_id);
    if (!mail.country.empty() && mail.asn != 0)
        return;
    const auto address = IpAddress::parse(mail.client_address);
    const PrefixTable::Place* const place = address ? settings_.places.find(*address) : nullptr;
    if (place && mail.country.empty())
        mail.country = place->country;
    if (place && mail.asn == 0)
        mail.asn = place->asn;
}

void Replayer::pass(event::Record& mail, const Verdict& verdict, const RiskAssessment& found)
{
    ++counts_.passed;
    if (!had_passed_)
        counts_.released_recipients += event::recipient_count(mail);
    mail.action = verdict.action;
    accounts_.apply(mail);
    risk_.apply(mail);
    if (found.familiar())
        return;
    Strange& strange = strange_[mail.auth_id];
    if (mail.eom_time - strange.last > strange_memory)
        strange.recipients = 0;
    strange.recipients += event::recipient_count(mail);
    strange.last = mail.eom_time;
}

void Replayer::refuse_by_limit(const event::Record& mail, const Verdict& verdict)
{
    ++counts_.refused_by_limit;
    count_stopped(mail);
    if (refused_)
        refused_(mail, nullptr, verdict);
}

void Replayer::refuse_by_block(const event::Record& mail, const RiskAssessment& found)
{
    ++counts_.refused_by_block;
    count_stopped(mail);
    const auto known = repeats_.find(mail.auth_id);
    const bool is_thief = known != repeats_.end() && known->second.from_familiar && !found.familiar() && !found.vouched;
    if (is_thief) {
        // The block was the owner's doing; whoever comes now from elsewhere is somebody else, and would not be seen.
        known->second.from_familiar = false;
        tell(mail, {.auth_id = mail.auth_id,
                    .from = mail.eom_time,
                    .until = known->second.until,
                    .reason = "blocked already; " + risk_check_.origin(mail, found)});
    } else if (refused_) {
        refused_(mail, nullptr, {event::Action::reject, "", "block"});
    }
    if (known != repeats_.end() && known->second.block < blocks_.size())
        count_refused(blocks_[known->second.block], mail, found);
}

void Replayer::block(const event::Record& mail, const RiskAssessment& found)
{
    ++counts_.blocks;
    ++counts_.refused_by_block;
    count_stopped(mail);
    ReplayBlock made{.auth_id = mail.auth_id,
                     .from = mail.eom_time,
                     .until = end_of_block(mail, found),
                     .reason = risk_check_.reason(mail, found),
                     .passed_recipients = strange_recipients(mail)};
    event::Record record;
    record.type = event::RecordType::block;
    record.auth_id = made.auth_id;
    record.eom_time = made.from;
    record.until = made.until;
    record.rule = risk_rule;
    record.reason = made.reason;
    blocks_in_force_.apply(record);
    risk_.apply(record);
    tell(mail, made);
    count_refused(made, mail, found);
    if (blocks_.size() != max_blocks)
        blocks_.push_back(std::move(made));
}

/// Of the one that begins now.
event::Time Replayer::end_of_block(const event::Record& mail, const RiskAssessment& found)
{
    Repeats& repeats = repeats_[mail.auth_id];
    if (mail.eom_time - repeats.until > settings_.block_memory)
        repeats.count = 0;
    constexpr unsigned most_doublings = 20;
    const auto length = std::min(settings_.first_block * (std::int64_t{1} << std::min(repeats.count, most_doublings)),
                                 settings_.longest_block);
    ++repeats.count;
    repeats.until = mail.eom_time + length;
    repeats.block = blocks_.size();
    repeats.from_familiar = found.familiar();
    return repeats.until;
}

std::uint64_t Replayer::strange_recipients(const event::Record& mail) const
{
    const auto strange = strange_.find(mail.auth_id);
    return strange != strange_.end() && mail.eom_time - strange->second.last <= strange_memory
               ? strange->second.recipients
               : 0;
}

void Replayer::tell(const event::Record& mail, const ReplayBlock& made) const
{
    if (refused_)
        refused_(mail, &made, {event::Action::reject, "", risk_rule});
}

void Replayer::count_refused(ReplayBlock& in_force, const event::Record& mail, const RiskAssessment& found)
{
    ++in_force.refused_messages;
    in_force.refused_recipients += event::recipient_count(mail);
    in_force.refused_familiar += found.familiar() ? 1U : 0U;
}

void Replayer::count_stopped(const event::Record& mail)
{
    if (had_passed_)
        counts_.stopped_recipients += event::recipient_count(mail);
}

} // namespace smtpauth
