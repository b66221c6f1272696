#include "collector/alert/incidents.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "collector/alert/printable.hpp"
#include "common/daemon_status.hpp"
#include "common/units.hpp"

namespace smtpauth {

namespace {

/// Rules of the filter that stand for what an administrator wrote, or for a block that was told of.
constexpr std::string_view reject_list_rule = "reject_ids";
constexpr std::string_view block_rule = "block";
constexpr std::string_view administrator = "admin";

/// Of one incident.
constexpr std::size_t max_networks = 50;
constexpr std::size_t max_countries = 50;
constexpr std::size_t max_rules = 20;
constexpr std::size_t max_notes = 20;

/// What an account takes beside its mail: the nodes of list and map.
constexpr std::size_t account_bytes = 256;

std::chrono::sys_seconds seconds_of(event::Time time)
{
    return std::chrono::floor<std::chrono::seconds>(time);
}

/// The entry of that name, made where there is room; else null.
template <class Entry>
Entry* entry_of(std::vector<Entry>& entries, std::string Entry::*name, std::string_view wanted, std::size_t max)
{
    const auto found =
        std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.*name == wanted; });
    if (found != entries.end())
        return &*found;
    if (entries.size() == max)
        return nullptr;
    entries.emplace_back().*name = wanted;
    return &entries.back();
}

void add_fate(MailCounts& counts, Fate fate, std::uint64_t recipients, std::uint64_t refusals)
{
    switch (fate) {
    case Fate::warned:
        ++counts.warned;
        [[fallthrough]];
    case Fate::accepted:
        ++counts.accepted;
        counts.recipients += recipients;
        return;
    case Fate::held:
        ++counts.held;
        return;
    case Fate::refused:
        counts.refused += refusals;
        return;
    }
}

void add_origin(Alarm& alarm, const RecentMail::Seen& seen)
{
    const auto add = [&](OriginCount& origin) {
        (seen.fate == Fate::refused ? origin.refused : origin.passed) += seen.count;
    };
    const std::string country = printable_text(seen.country_name());
    if (!seen.network.empty()) {
        if (OriginCount* network = entry_of(alarm.networks, &OriginCount::name, seen.network, max_networks)) {
            network->country = country;
            add(*network);
        } else {
            alarm.more_networks += seen.count;
        }
    }
    if (!country.empty())
        if (OriginCount* found = entry_of(alarm.countries, &OriginCount::name, country, max_countries))
            add(*found);
}

/// What the last hour was, as far as it is remembered.
void add_last_hour(Alarm& alarm, const RecentMail& mail, event::Time now)
{
    const event::Time from = now - RecentMail::keep;
    alarm.last_hour = {};
    alarm.queue_ids.clear();
    mail.for_each_since(from, [&](const RecentMail::Seen& seen) {
        add_fate(alarm.last_hour, seen.fate, seen.recipients, seen.count);
        if (!seen.queue_id.empty() && seen.fate != Fate::refused)
            alarm.queue_ids.push_back(seen.queue_id);
    });
    alarm.hour_is_incomplete = !mail.is_complete_since(from);
    alarm.recipients = mail.recipients();
}

Grade grade_of(Fate fate)
{
    switch (fate) {
    case Fate::accepted:
        return Grade::none;
    case Fate::warned:
        return Grade::warned;
    case Fate::held:
        return Grade::held;
    case Fate::refused:
        return Grade::refused;
    }
    return Grade::refused;
}

void note(Alarm& alarm, event::Time time, std::string text)
{
    if (alarm.notes.size() == max_notes)
        alarm.notes.erase(alarm.notes.begin());
    alarm.notes.push_back({seconds_of(time), std::move(text)});
}

} // namespace

void Incidents::add(const event::RecordId& id, const event::Record& record, event::Time now)
{
    if (event::is_of_mail(record.type))
        add_mail(id, record, now);
    else if (record.type == event::RecordType::block)
        add_block(id, record, now);
    else if (record.type == event::RecordType::unblock)
        end_by_unblock(record, now);
}

void Incidents::add_mail(const event::RecordId& id, const event::Record& record, event::Time now)
{
    // Of mail without authentication only what a rule judged concerns anybody here: the rest is everybody's.
    if (record.auth_id.empty() && record.rule.empty())
        return;
    auto incident = open_.find(record.auth_id);
    // The records of a filter that was alone for hours come in one go.
    if (incident != open_.end() && record.eom_time - incident->second.alarm.last > settings_.quiet_after) {
        end(incident, "quiet for " + to_text(settings_.quiet_after), now);
        incident = open_.end();
    }
    if (incident != open_.end())
        count(incident->second, record, now);
    else if (begins_one(record))
        count(begin(id, record, now), record, now);
    remember(record);
}

bool Incidents::begins_one(const event::Record& record) const
{
    return record.action != event::Action::accept && !record.rule.empty() && record.rule != reject_list_rule &&
           record.rule != block_rule;
}

void Incidents::add_block(const event::RecordId& id, const event::Record& record, event::Time now)
{
    auto incident = open_.find(record.auth_id);
    if (incident == open_.end() && record.rule == administrator)
        return;
    Open& open = incident == open_.end() ? begin(id, record, now) : incident->second;
    const bool made = record.until != event::Time();
    if (record.rule != administrator)
        raise(open, made ? Grade::blocked : Grade::not_blocked, record, now);
    const std::string what = made ? "blocked until " + utc_text(seconds_of(record.until)) : "NOT blocked";
    note(open.alarm, record.eom_time,
         fmt::format("{} by {}: {}", what, printable_text(record.rule), printable_text(record.reason)));
}

void Incidents::end_by_unblock(const event::Record& record, event::Time now)
{
    const auto incident = open_.find(record.auth_id);
    if (incident != open_.end())
        end(incident, fmt::format("unblocked by {}: {}", printable_text(record.rule), printable_text(record.reason)),
            now);
}

Incidents::Open& Incidents::begin(const event::RecordId& id, const event::Record& record, event::Time now)
{
    while (open_.size() >= settings_.max_incidents)
        end_the_quietest(now);
    Open& incident = open_[record.auth_id];
    Alarm& alarm = incident.alarm;
    incident.opened = now;
    alarm.incident = to_string(id);
    alarm.account = printable_text(record.auth_id);
    alarm.rule = printable_text(record.rule);
    alarm.reason = printable_text(record.reason);
    alarm.first = alarm.last = seconds_of(std::min(record.eom_time, now));
    alarm.late = now - record.eom_time > settings_.late_action_max;
    // Where it came from before tells whether that was the owner. Read back from the logs, what passed comes first.
    if (const RecentMail* mail = recent(record.auth_id))
        mail->for_each_since(alarm.first - RecentMail::keep, [&](const RecentMail::Seen& seen) {
            add_origin(alarm, seen);
            if (seen.time >= record.eom_time)
                add_fate(alarm.since_first, seen.fate, seen.recipients, seen.count);
        });
    return incident;
}

void Incidents::count(Open& incident, const event::Record& record, event::Time now) const
{
    Alarm& alarm = incident.alarm;
    RecentMail::Seen seen{.time = record.eom_time,
                          .fate = mail_fate(record),
                          .recipients = 0,
                          .count = record.count,
                          .country = {},
                          .network = network_text(record.client_address),
                          .queue_id = {}};
    if (record.country.size() == 2)
        std::copy_n(record.country.begin(), 2, seen.country.begin());
    add_origin(alarm, seen);
    add_fate(alarm.since_first, seen.fate, event::recipient_count(record), record.count);
    if (seen.fate == Fate::accepted)
        return;
    if (begins_one(record))
        raise(incident, grade_of(seen.fate), record, now);
    alarm.last = std::max(alarm.last, seconds_of(std::min(record.eom_time, now)));
    if (RuleCount* rule = entry_of(alarm.rules, &RuleCount::rule, printable_text(record.rule), max_rules))
        rule->count += record.count;
}

/// What it will be told with is what was worst.
void Incidents::raise(Open& incident, Grade grade, const event::Record& record, event::Time now)
{
    if (grade <= incident.alarm.grade)
        return;
    incident.alarm.grade = grade;
    incident.alarm.rule = printable_text(record.rule);
    incident.alarm.reason = printable_text(record.reason);
    if (incident.told != Grade::none)
        incident.opened = now;
}

void Incidents::tell_beginning(const std::string& account, Open& incident, event::Time now)
{
    if (incident.told < incident.alarm.grade)
        tell(account, incident, incident.told == Grade::none ? Alarm::Event::opened : Alarm::Event::worse, now);
}

/// A beginning that was not told of yet, or a worse one, is told first.
void Incidents::end(OpenIncidents::iterator incident, std::string why, event::Time now)
{
    Open& open = incident->second;
    tell_beginning(incident->first, open, now);
    open.alarm.ended = std::move(why);
    tell(incident->first, open, Alarm::Event::closed, now);
    open_.erase(incident);
}

void Incidents::end_the_quietest(event::Time now)
{
    const auto quietest = std::min_element(open_.begin(), open_.end(), [](const auto& a, const auto& b) {
        return a.second.alarm.last < b.second.alarm.last;
    });
    end(quietest, fmt::format("not followed any longer: {} others are open (max_incidents)", settings_.max_incidents),
        now);
}

void Incidents::end_quiet(event::Time now)
{
    for (auto incident = open_.begin(); incident != open_.end();) {
        const auto here = incident++;
        if (here->second.told != Grade::none && now - here->second.alarm.last >= settings_.quiet_after)
            end(here, "quiet for " + to_text(settings_.quiet_after), now);
    }
}

void Incidents::tell(const std::string& account, Open& incident, Alarm::Event event, event::Time now)
{
    incident.alarm.told = seconds_of(now);
    Alarm alarm = incident.alarm;
    alarm.event = event;
    if (const RecentMail* mail = recent(account))
        add_last_hour(alarm, *mail, alarm.late ? event::Time(alarm.last) : now);
    incident.told = alarm.grade;
    due_.push_back(std::move(alarm));
}

std::vector<Alarm> Incidents::take_due(event::Time now)
{
    for (auto& [account, incident] : open_) {
        // A clock that was put back must not make it wait.
        const bool gathered = now - incident.opened >= settings_.gather || now < incident.opened;
        if (gathered)
            tell_beginning(account, incident, now);
    }
    end_quiet(now);
    for (auto& [account, incident] : open_)
        if (incident.told != Grade::none && now - incident.alarm.told >= settings_.remind_after)
            tell(account, incident, Alarm::Event::reminder, now);
    return std::exchange(due_, {});
}

void Incidents::remember(const event::Record& record)
{
    if (!event::is_of_mail(record.type) || (record.auth_id.empty() && record.rule.empty()))
        return;
    auto found = by_id_.find(record.auth_id);
    if (found == by_id_.end()) {
        accounts_.push_front({record.auth_id, {}, 0});
        found = by_id_.emplace(accounts_.front().id, accounts_.begin()).first;
    } else {
        accounts_.splice(accounts_.begin(), accounts_, found->second);
    }
    Account& account = accounts_.front();
    std::string recipient;
    if (!record.recipients.empty() && settings_.recipients != LogRecipients::count) {
        const std::string_view first = *record.recipients.begin();
        recipient = printable_text(settings_.recipients == LogRecipients::full ? std::string(first) : domain_of(first));
    }
    account.mail.add(record, recipient);

    bytes_ -= account.bytes;
    account.bytes = account_bytes + 2 * account.id.capacity() + account.mail.size_bytes();
    bytes_ += account.bytes;
    while (bytes_ > settings_.max_bytes && accounts_.size() > 1) {
        bytes_ -= accounts_.back().bytes;
        by_id_.erase(accounts_.back().id);
        accounts_.pop_back();
        ++forgotten_;
    }
}

const RecentMail* Incidents::recent(std::string_view account) const
{
    const auto found = by_id_.find(account);
    return found == by_id_.end() ? nullptr : &found->second->mail;
}

} // namespace smtpauth
