// Why a message, or an account, met what it met: from the logs and the configuration as they are now.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ctl/account_past.hpp"
#include "ctl/recount.hpp"
#include "filter/config.hpp"

namespace smtpauth {

/// How an account, or whoever sent a message, stands with one rule at one filter.
struct Stand {
    std::string filter; ///< its newest journal
    LimitRule rule;
    Recount count;
};

/// What a decision was made of.
struct Explanation {
    enum class Cause {
        none,        ///< no rule objected
        limit,       ///< one that the configuration has
        gone_limit,  ///< a rule that the configuration does not have, or not any more
        reject_list, ///< reject_ids
        block,       ///< of the account
        other,       ///< no rule: such as a record that could not be kept
    };
    /// Do the logs give the same numbers as the answer that the filter gave?
    enum class Agreement { yes, no, unknown };

    LoggedRecord decision;
    Cause cause = Cause::none;
    std::optional<LimitRule> rule{};
    std::optional<Recount> count{};
    Agreement agrees = Agreement::unknown;
    std::optional<LoggedRecord> block{}; ///< by which the account was blocked
    std::vector<Stand> stands{};         ///< where no rule objected: how it stood with each, itself included
    std::vector<std::string> notes{};    ///< sentences: what does not fit, and perhaps why
};

class Explainer {
public:
    Explainer(const FilterConfig& filter, const CollectorConfig& logs) : filter_(filter), logs_(logs) {}

    /// @param changes  the account's blocks and their ends, as far as they are known.
    Explanation explain(const LoggedRecord& decision, const std::vector<LoggedRecord>& changes);

    /// How an account stands at a moment with the rules that look at accounts or their domains, at each filter.
    std::vector<Stand> stands(const std::string& auth_id, event::Time when, const std::vector<LoggedRecord>& changes);

    /// Files of the logs that could not be read.
    const std::vector<std::string>& errors() const { return errors_; }

private:
    void explain_limit(Explanation& explanation, const std::vector<LoggedRecord>& changes);
    void explain_pass(Explanation& explanation, const std::vector<LoggedRecord>& changes);
    void compare(Explanation& explanation) const;
    AccountPasts pasts_of(const event::Record& mail, const std::vector<LimitRule>& rules,
                          const std::optional<event::RecordId>& before, const std::vector<LoggedRecord>& changes);

    const FilterConfig& filter_;
    const CollectorConfig& logs_;
    std::vector<std::string> errors_;
};

/// A BLOCK record that holds at a moment, as far as nobody ends it. One without an end was never made.
bool is_block_in_force(const event::Record& record, event::Time when);

/// What is missing in the logs for the numbers to be right; sentences.
std::vector<std::string> doubts(const AccountPasts& pasts);

/// "recipients per auth_id, at most 1000 in 1h, tempfail".
std::string to_text(const LimitRule& rule);

} // namespace smtpauth
