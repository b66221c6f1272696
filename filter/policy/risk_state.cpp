#include "filter/policy/risk_state.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "proto/journal/crc32c.hpp"
#include "proto/varint.hpp"

namespace smtpauth {

RiskAssessment RiskState::assess(const event::Record& mail)
{
    mail_.assign(mail);
    const Entry* const entry = find(mail.auth_id);
    return (entry ? entry->account : RiskAccount()).assess(mail_, settings_.model);
}

void RiskState::apply(const event::Record& record)
{
    if (record.auth_id.empty())
        return;
    if (record.type == event::RecordType::block || record.type == event::RecordType::unblock)
        return take_block(record);
    if (!event::passed(record))
        return;
    mail_.assign(record);
    RiskAccount& account = entry_of(record.auth_id).account;
    account.learn(mail_, account.assess(mail_, settings_.model), settings_.model);
    forget_beyond_bytes();
}

void RiskState::take_block(const event::Record& record)
{
    if (!find(record.auth_id))
        return;
    RiskAccount& account = entry_of(record.auth_id).account;
    if (record.type == event::RecordType::block)
        account.pay_by_block();
    else
        account.forgive();
}

void RiskState::replay(const event::Record& record, std::uint64_t sequence, const Positions& known)
{
    if (sequence > known[shard_of(record.auth_id)])
        apply(record);
}

std::string RiskState::usual_country(std::string_view auth_id) const
{
    const Entry* const entry = find(std::string(auth_id));
    return entry ? entry->account.usual_country() : std::string();
}

void RiskState::save(std::size_t shard, std::string& out) const
{
    for (const auto& [auth_id, entry] : shards_[shard]) {
        append_text(out, auth_id);
        entry.account.save(out);
    }
}

bool RiskState::load(std::string_view bytes)
{
    VarintReader in(bytes);
    while (!in.at_end()) {
        const std::string auth_id(in.text());
        RiskAccount account;
        if (!account.load(in) || auth_id.empty())
            return false;
        entry_of(auth_id).account = account;
    }
    forget_beyond_bytes();
    return true;
}

void RiskState::put_in_order()
{
    std::vector<std::pair<event::Time, const Entry*>> entries;
    for (const Shard& shard : shards_)
        for (const auto& [auth_id, entry] : shard)
            entries.emplace_back(entry.account.last_mail(), &entry);
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [last, entry] : entries)
        by_use_.splice(by_use_.end(), by_use_, entry->used);
}

std::uint64_t RiskState::size_bytes(std::string_view auth_id)
{
    // A node of the map with its link and hash, its bucket, a node of the list, and what the allocator adds to each.
    constexpr std::uint64_t overhead = 16 + 8 + 32 + 16;
    constexpr std::size_t inside = 15; // of a string without memory of its own
    const std::uint64_t text = auth_id.size() > inside ? auth_id.size() + 1 + 16 : 0;
    return overhead + sizeof(Shard::value_type) + text;
}

/// The same in every build: positions are saved by shard.
std::size_t RiskState::shard_of(std::string_view auth_id)
{
    return journal::crc32c(auth_id) % shard_count;
}

const RiskState::Entry* RiskState::find(const std::string& auth_id) const
{
    const Shard& shard = shards_[shard_of(auth_id)];
    const auto found = shard.find(auth_id);
    return found == shard.end() ? nullptr : &found->second;
}

/// Makes it where it is not known; the last to be forgotten.
RiskState::Entry& RiskState::entry_of(const std::string& auth_id)
{
    const auto [found, is_new] = shards_[shard_of(auth_id)].try_emplace(auth_id);
    Entry& entry = found->second;
    if (is_new) {
        entry.used = by_use_.insert(by_use_.end(), &found->first);
        bytes_ += size_bytes(auth_id);
    } else {
        by_use_.splice(by_use_.end(), by_use_, entry.used);
    }
    return entry;
}

void RiskState::forget_beyond_bytes()
{
    while (bytes_ > settings_.max_bytes && by_use_.size() > 1) {
        const std::string& auth_id = *by_use_.front();
        bytes_ -= size_bytes(auth_id);
        ++evicted_;
        Shard& shard = shards_[shard_of(auth_id)];
        const auto found = shard.find(auth_id);
        by_use_.pop_front();
        shard.erase(found);
    }
}

} // namespace smtpauth
