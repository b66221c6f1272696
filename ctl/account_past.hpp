// What the logs tell of one account, or of one message: the decisions that are to be explained, and what came before
// them. Blocks on the disk.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/config.hpp"
#include "ctl/log_reader.hpp"
#include "filter/policy/limit_rule.hpp"

namespace smtpauth {

/// What there is about a word that is an account or a queue id.
struct Findings {
    std::optional<LoggedRecord> objection; ///< the account's last mail to which a rule objected, or on which one warned
    std::optional<LoggedRecord> last;      ///< its last mail
    std::map<std::string, std::uint64_t, std::less<>> fates; ///< of its mail, by fate_of()
    std::vector<LoggedRecord> changes;                       ///< its blocks and their ends, the oldest first
    std::optional<LoggedRecord> message;                     ///< the last one of this queue id
    std::vector<LoggedRecord> namesakes;                     ///< earlier ones of the same queue id, the oldest first
    std::vector<std::string> errors;                         ///< of files that could not be read
};

/// @param id  of an account, normalised. @param queue_id  the same word as it was typed.
Findings find_in_logs(const CollectorConfig& config, const std::string& id, std::string_view queue_id,
                      event::Time since, event::Time until);

/// What one filter's limits knew of some names at a moment.
struct FilterPast {
    std::vector<std::uint64_t> journals; ///< the oldest first
    std::vector<LoggedRecord> records;   ///< in the order of its numbers, without their lists of recipients
    bool from_beginning = false;         ///< the logs have this filter's very first record
    event::Time begin{};                 ///< of its oldest line that was read, whomever it is about
};

struct AccountPasts {
    std::vector<FilterPast> filters; ///< those that knew anything, or that `of` is of
    bool reaches_back = true;        ///< the logs begin early enough, or as early as the filters
    event::Time begin{};             ///< else: of what they have of these filters
    std::uint64_t lost = 0;          ///< records of that time that no log has
    std::uint64_t foreign_lines = 0;
    std::vector<std::string> errors;
};

/// @param mail    whose names (account, domain, sender, as far as the rules look at them) are looked for.
/// @param rules   longest window is how far back.
/// @param before  a decision: of its filter only what has a lower number, and of no other filter anything.
/// @param changes blocks and their ends that are known already, some perhaps from before the window.
AccountPasts read_pasts(const CollectorConfig& config, const event::Record& mail, const std::vector<LimitRule>& rules,
                        const std::optional<event::RecordId>& before, const std::vector<LoggedRecord>& changes);

} // namespace smtpauth
