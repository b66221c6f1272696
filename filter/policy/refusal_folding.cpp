#include "filter/policy/refusal_folding.hpp"

#include <utility>

#include "filter/policy/recent_networks.hpp"

namespace smtpauth {

namespace {

constexpr event::Milliseconds interval = std::chrono::minutes(1);

/// Of different accounts, rules and stages in a minute. Beyond, each refusal has its record.
constexpr std::size_t max_minutes = 100'000;

std::string key_of(const event::Record& refusal)
{
    std::string key = refusal.auth_id.empty() ? "<" + refusal.sender.value_or("") : refusal.auth_id;
    key += '\0'; // no text of a record contains it
    key += refusal.rule;
    key += static_cast<char>(refusal.stage);
    key += static_cast<char>(refusal.type);
    return key;
}

} // namespace

bool RefusalFolding::absorb(const event::Record& refusal)
{
    if (records_per_minute_ == 0)
        return false;
    const std::string key = key_of(refusal);
    auto at = minutes_.find(key);
    if (at == minutes_.end()) {
        if (minutes_.size() < max_minutes)
            minutes_.emplace(key, Minute{.begin = refusal.eom_time, .records = 1});
        return false;
    }
    Minute& found = at->second;
    if (found.records < records_per_minute_) {
        ++found.records;
        return false;
    }
    fold(found, refusal);
    ++absorbed_;
    return true;
}

void RefusalFolding::fold(Minute& minute, const event::Record& refusal)
{
    const bool is_first = minute.count++ == 0;
    const bool is_from_there =
        is_first || network_of(minute.folded.client_address) == network_of(refusal.client_address);
    const std::uint32_t rcpt_refused = is_first ? 0 : minute.folded.rcpt_refused;
    minute.folded = refusal;
    minute.folded.rcpt_refused += rcpt_refused;
    minute.folded.recipients.clear();
    minute.folded.rcpt_unlisted = 0;
    if (!is_from_there) {
        minute.folded.client_address.clear();
        minute.folded.client_port = 0;
        minute.folded.country.clear();
        minute.folded.asn = 0;
    }
}

std::vector<event::Record> RefusalFolding::take_due(event::Time now)
{
    std::vector<event::Record> due;
    for (auto at = minutes_.begin(); at != minutes_.end();) {
        Minute& found = at->second;
        // A minute that begins later than now is one of a clock that was set back.
        if (now >= found.begin && now - found.begin < interval) {
            ++at;
            continue;
        }
        if (found.count != 0)
            due.emplace_back(std::move(found.folded)).count = found.count;
        at = minutes_.erase(at);
    }
    return due;
}

} // namespace smtpauth
