#include "filter/policy/refusal_folding.hpp"

#include <utility>

namespace smtpauth {

namespace {

constexpr event::Milliseconds minute = std::chrono::minutes(1);

/// Of different accounts, rules and stages in a minute. Beyond, each refusal has its record.
constexpr std::size_t max_minutes = 100'000;

std::string key_of(const event::Record& refusal)
{
    std::string key = refusal.auth_id.empty() ? "<" + refusal.sender.value_or("") : refusal.auth_id;
    key += '\0'; // no text of a record contains it
    key += refusal.rule;
    key += static_cast<char>(refusal.stage);
    return key;
}

} // namespace

bool RefusalFolding::absorb(const event::Record& refusal)
{
    if (records_per_minute_ == 0 || minutes_.size() >= max_minutes)
        return false;
    const auto [at, is_new] = minutes_.try_emplace(key_of(refusal));
    Minute& found = at->second;
    if (is_new)
        found.begin = refusal.eom_time;
    if (found.records < records_per_minute_) {
        ++found.records;
        return false;
    }
    found.folded = refusal;
    ++found.count;
    ++absorbed_;
    return true;
}

std::vector<event::Record> RefusalFolding::take_due(event::Time now)
{
    std::vector<event::Record> due;
    for (auto at = minutes_.begin(); at != minutes_.end();) {
        Minute& found = at->second;
        // A minute that begins later than now is one of a clock that was set back.
        if (now >= found.begin && now - found.begin < minute) {
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
