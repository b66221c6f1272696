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
    std::unordered_set<std::string> never; ///< accounts, normalised: their mail is refused singly
    std::size_t max_per_hour = 20;         ///< a rule that hits more is more likely wrong than right
    event::Milliseconds longest =
        std::chrono::hours(24 * 7); ///< each repeat lasts twice as long as the last, up to this

    bool operator==(const AutomaticBlockTerms&) const = default;
};

class AutomaticBlocks {
public:
    /// @param list  outlives this.
    explicit AutomaticBlocks(const BlockList& list) : list_(list) {}

    void set(AutomaticBlockTerms terms) { terms_ = std::move(terms); }

    /// @param mail  what was judged, with what it was judged by.
    /// @return  the BLOCK record that follows; one without an end, which only warns, where there were too many in the
    /// last hour, once an
    ///          hour for each account; nothing where none is due.
    std::optional<event::Record> decide(const event::Record& mail, const Verdict& verdict);

private:
    bool warned_lately(const std::string& auth_id, event::Time now);

    const BlockList& list_;
    AutomaticBlockTerms terms_;
    std::map<std::string, event::Time> warned_; ///< accounts, in the last hour
};

} // namespace smtpauth
