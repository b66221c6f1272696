// One limit, judged once more: by the filter's own code, from what the logs tell of the time before. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/stats_log/line_reader.hpp"
#include "filter/policy/limit_rule.hpp"
#include "filter/policy/recent_networks.hpp"

namespace smtpauth {

/// Mail that counted when the decision fell.
struct CountedMail {
    LoggedRecord mail;
    std::uint64_t amount = 0; ///< in what the rule counts; of networks: 0
    event::Time leaves{};     ///< the window
};

struct CountedNetwork {
    NetworkId network = 0;
    std::string country; ///< of the mail seen last
    event::Time last{};
    event::Time leaves{};
};

struct Recount {
    std::uint64_t used = 0;                       ///< in the window, before the mail
    std::uint64_t amount = 0;                     ///< what the mail adds; at MAIL: the smallest that could follow
    std::optional<std::uint64_t> limit;           ///< nothing: none
    std::optional<event::Time> probation{};       ///< until then the account has less than usual
    std::optional<event::Time> unblocked{};       ///< what was before counts no more
    event::Action action = event::Action::accept; ///< what the rule says of the mail
    std::string answer;                           ///< the text that goes with it
    std::vector<CountedMail> counted;             ///< the oldest first
    std::vector<CountedNetwork> networks;         ///< of a rule that counts them; that seen first at the beginning
    std::optional<event::Time> free; ///< from when on the same mail would pass, if nothing else is sent; nothing: never
    event::Time clear{};             ///< when all that counts will have left

    std::uint64_t total() const { return used + amount; }
    /// What the list adds up to: other than `used` where a clock was set back, or where there were very many.
    std::uint64_t listed() const;
};

/// @param past     what one filter has logged before, in the order of its numbers: mail of the names that the rule
/// looks
///                 at, BLOCK and UNBLOCK records. @param mail  what was judged.
/// @param percent  of an account's limits, while it is on probation.
Recount recount(const LimitRule& rule, const std::vector<LoggedRecord>& past, const event::Record& mail,
                unsigned percent);

/// Only how the account stands, at mail.eom_time.
Recount standing(const LimitRule& rule, const std::vector<LoggedRecord>& past, const event::Record& mail,
                 unsigned percent);

/// A message that passed, or was held.
bool is_counted(const event::Record& record);

/// A record that limits must know: such a message, or one of which the MTA had refused recipients.
bool is_charged(const event::Record& record);

} // namespace smtpauth
