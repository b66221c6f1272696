#include "filter/policy/account_state.hpp"

#include <algorithm>

#include "proto/journal/crc32c.hpp"

namespace smtpauth {

namespace {

constexpr std::array scopes{Scope::auth_id, Scope::domain, Scope::sender};

/// Of a key: its two strings, the node of the map, the node of the list.
constexpr std::uint64_t entry_overhead = 96;

/// Mail that its recipients get, or may get once somebody has looked at it.
bool is_charged(const event::Record& record)
{
    return event::passed(record) || (record.type == event::RecordType::message && record.action == event::Action::hold);
}

} // namespace

std::string_view name_in(Scope scope, const event::Record& record, std::string& scratch)
{
    switch (scope) {
    case Scope::auth_id:
        return record.auth_id;
    case Scope::domain: {
        const std::size_t at = record.auth_id.rfind('@');
        return at == std::string::npos ? std::string_view() : std::string_view(record.auth_id).substr(at + 1);
    }
    case Scope::sender:
        scratch = record.sender.value_or("");
        std::transform(scratch.begin(), scratch.end(), scratch.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        return scratch;
    }
    return {};
}

std::string name_in(Scope scope, const event::Record& record)
{
    std::string scratch;
    return std::string(name_in(scope, record, scratch));
}

Charge charge_of(const event::Record& record)
{
    return {.messages = 1,
            .recipients = event::recipient_count(record),
            .rejected_recipients = record.rcpt_refused,
            .bytes = record.size_bytes.value_or(0)};
}

Charge charge_for(const event::Record& record)
{
    if (is_charged(record))
        return charge_of(record);
    const bool is_message = record.type == event::RecordType::message || record.type == event::RecordType::attempt;
    return {.rejected_recipients = is_message ? record.rcpt_refused : 0};
}

std::uint64_t Charge::*counter_of(Measure measure)
{
    switch (measure) {
    case Measure::messages:
        return &Charge::messages;
    case Measure::recipients:
        return &Charge::recipients;
    case Measure::bytes:
        return &Charge::bytes;
    case Measure::rejected_recipients:
        return &Charge::rejected_recipients;
    case Measure::new_recipients:
        return &Charge::new_recipients;
    case Measure::networks:
        return nullptr;
    }
    return nullptr;
}

void AccountPast::set_clock(event::Time now)
{
    networks.set_back(charges.set_clock(now));
}

/// @param concerns  (shard) whether the record is new to it.
template <class Concerns>
void AccountState::apply_where(const event::Record& record, Concerns concerns)
{
    const bool corrects = record.type == event::RecordType::void_record || record.type == event::RecordType::unblock;
    if (!corrects && charge_for(record) == Charge{})
        return;
    for_each_name(record, [&](Scope scope, std::string_view name) {
        if (concerns(shard_of(make_key(scope, name))))
            apply(scope, name, record);
    });
    forget_some(record.eom_time);
}

void AccountState::apply(Scope scope, std::string_view name, const event::Record& record)
{
    if (record.type == event::RecordType::void_record)
        take_back(scope, name, record);
    else if (record.type != event::RecordType::unblock)
        charge(scope, name, record);
    else if (scope == Scope::auth_id)
        forget_charges(make_key(scope, name));
}

void AccountState::apply(const event::Record& record)
{
    apply_where(record, [](std::size_t) { return true; });
}

void AccountState::replay(const event::Record& record, std::uint64_t sequence, const Positions& known)
{
    apply_where(record, [&](std::size_t shard) { return sequence > known[shard]; });
}

void AccountState::take_back(const event::Record& mail)
{
    if (is_charged(mail))
        for_each_name(mail, [&](Scope scope, std::string_view name) { take_back(scope, name, mail); });
}

void AccountState::take_back(Scope scope, std::string_view name, const event::Record& mail)
{
    if (Entry* entry = find(make_key(scope, name)))
        entry->account.charges.take_back(mail.eom_time, charge_of(mail));
}

/// Those of the scopes that anybody asks for.
template <class Take>
void AccountState::for_each_name(const event::Record& record, Take take) const
{
    for (const Scope scope : scopes) {
        if (keep(scope) == event::Milliseconds(0) ||
            (scope == Scope::sender && record.auth_id.empty() && !settings_.unauthenticated_senders))
            continue;
        if (const std::string_view name = name_in(scope, record, name_); !name.empty())
            take(scope, name);
    }
}

void AccountState::charge(Scope scope, std::string_view name, const event::Record& record)
{
    const std::string& key = make_key(scope, name);
    Entry& entry = entry_of(key);
    entry.account.set_clock(record.eom_time);
    entry.used->newest = record.eom_time;
    Charge charge = charge_for(record);
    if (event::passed(record))
        entry.account.networks.add(network_of(record.client_address), record.eom_time, keep(scope));
    // What is held teaches nothing: the next of its kind would pass as known.
    if (is_charged(record) && settings_.recipients && scope == Scope::auth_id)
        charge.new_recipients = event::passed(record) ? entry.account.recipients.learn(record)
                                                      : entry.account.recipients.strangers_in(record);
    entry.account.charges.add(record.eom_time, charge, keep(scope));
    count_bytes(key, entry);
}

/// Makes it where it is not known; the last to be forgotten.
AccountState::Entry& AccountState::entry_of(const std::string& key)
{
    auto& by_use = kind_of(key).by_use;
    if (Entry* known = find(key)) {
        by_use.splice(by_use.end(), by_use, known->used);
        return *known;
    }
    const auto found = shards_[shard_of(key)].try_emplace(key).first;
    found->second.used = by_use.insert(by_use.end(), {.key = &found->first});
    return found->second;
}

const AccountPast* AccountState::find(Scope scope, std::string_view name, event::Time now)
{
    Entry* entry = find(make_key(scope, name));
    if (!entry)
        return nullptr;
    entry->account.set_clock(now);
    entry->used->newest = std::min(entry->used->newest, now);
    return &entry->account;
}

std::uint64_t AccountState::new_recipients(const event::Record& mail)
{
    const AccountPast* account = find(Scope::auth_id, mail.auth_id, mail.eom_time);
    return account ? account->recipients.strangers_in(mail) : KnownRecipients{}.strangers_in(mail);
}

void AccountState::forget_some(event::Time now)
{
    for (std::size_t scope = 0; scope < scope_count; ++scope)
        forget_past(kinds_[scope], now, keep_name(Scope{static_cast<std::uint8_t>(scope)}));
    forget_beyond_bytes();
}

/// What nobody asks for any more, a few at a time.
void AccountState::forget_past(Kind& kind, event::Time now, event::Milliseconds keep)
{
    constexpr int most = 4; // an apply() brings one at most
    for (int count = 0; count < most && !kind.by_use.empty(); ++count) {
        const Use& oldest = kind.by_use.front();
        if (now - oldest.newest < keep)
            break;
        forget(*oldest.key);
    }
}

/// Of the kind that takes most. After a reload it may be very much: a part of it at a time.
void AccountState::forget_beyond_bytes()
{
    constexpr int most = 64;
    for (int count = 0; count < most && bytes() > settings_.max_bytes; ++count) {
        Kind& largest = *std::max_element(kinds_.begin(), kinds_.end(),
                                          [](const Kind& a, const Kind& b) { return a.bytes < b.bytes; });
        if (largest.by_use.size() <= 1)
            break;
        forget(*largest.by_use.front().key);
        ++evicted_;
    }
}

std::uint64_t AccountState::bytes() const
{
    std::uint64_t sum = 0;
    for (const Kind& kind : kinds_)
        sum += kind.bytes;
    return sum;
}

/// An account that is let go again: whom it has written to is no less known.
void AccountState::forget_charges(const std::string& key)
{
    Entry* entry = find(key);
    if (!entry)
        return;
    if (entry->account.recipients.empty())
        return forget(key);
    entry->account.charges = {};
    entry->account.networks = {};
    count_bytes(key, *entry);
}

event::Milliseconds AccountState::keep_name(Scope scope) const
{
    return settings_.recipients && scope == Scope::auth_id ? std::max(keep(scope), acquaintance) : keep(scope);
}

void AccountState::forget(const std::string& key)
{
    Shard& shard = shards_[shard_of(key)];
    const auto found = shard.find(key);
    if (found == shard.end())
        return;
    Kind& kind = kind_of(key);
    if (kind.last_entry == &found->second)
        kind.last_entry = nullptr;
    kind.bytes -= found->second.bytes;
    kind.by_use.erase(found->second.used);
    shard.erase(found); // the key, too, where it was taken from there
}

void AccountState::count_bytes(const std::string& key, Entry& entry)
{
    const std::uint64_t bytes = entry_overhead + sizeof(Entry) + key.size() + entry.account.charges.size_bytes() +
                                entry.account.networks.size_bytes() + entry.account.recipients.size_bytes();
    kind_of(key).bytes += bytes - entry.bytes;
    entry.bytes = bytes;
}

AccountState::Entry* AccountState::find(const std::string& key)
{
    Kind& kind = kind_of(key);
    if (kind.last_entry && kind.last_key == key)
        return kind.last_entry;
    Shard& shard = shards_[shard_of(key)];
    const auto found = shard.find(key);
    if (found == shard.end())
        return nullptr;
    kind.last_key = key;
    kind.last_entry = &found->second; // nodes stay where they are
    return kind.last_entry;
}

/// The same in every build: positions are saved by shard.
std::size_t AccountState::shard_of(std::string_view key)
{
    return journal::crc32c(key) % shard_count;
}

const std::string& AccountState::make_key(Scope scope, std::string_view name)
{
    key_.assign(1, static_cast<char>(scope));
    return key_.append(name);
}

AccountState::Figures AccountState::figures() const
{
    Figures figures{.bytes = bytes(), .evicted = evicted_};
    for (const Kind& kind : kinds_)
        figures.accounts += kind.by_use.size();
    return figures;
}

} // namespace smtpauth
