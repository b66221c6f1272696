// Blocks that rules make: for how long, of whom not, and how many at most. No clock, no file. One thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>

#include "filter/policy/block_list.hpp"
#include "filter/policy/check.hpp"
#include "proto/event/record.hpp"

namespace smtpauth {

struct AutomaticBlockTerms {
    std::unordered_set<std::string> never;                    ///< accounts, normalised: their mail is refused singly
    std::size_t max_per_hour = 20;                            ///< a rule that hits more is more likely wrong than right
    event::Milliseconds longest = std::chrono::hours(24 * 7); ///< however often it was repeated

    bool operator==(const AutomaticBlockTerms&) const = default;
};

class AutomaticBlocks {
public:
    /// @param list  outlives this.
    explicit AutomaticBlocks(const BlockList& list) : list_(list) {}

    void set(AutomaticBlockTerms terms) { terms_ = std::move(terms); }

    /// Once an hour for each account, the record only warns: where there were too many blocks in the last hour. It has
    /// no end then.
    /// @param mail  what was judged, with what it was judged by.
    /// @return  the BLOCK record that follows, or nothing.
    std::optional<event::Record> decide(const event::Record& mail, const Verdict& verdict);

private:
    bool was_warned(const std::string& auth_id, event::Time now);

    const BlockList& list_;
    AutomaticBlockTerms terms_;
    std::map<std::string, event::Time> warned_; ///< accounts, in the last hour
};

} // namespace smtpauth
