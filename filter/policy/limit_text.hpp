// What the sender is told when a limit acts: the usual sentence, or the administrator's with the rule's numbers in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "filter/policy/limit_rule.hpp"

namespace smtpauth {

/// What may stand in an administrator's text, each between braces: rule, count, per, window, limit, total, wait.
struct LimitNumbers {
    std::uint64_t limit = 0;                 ///< of this account
    std::uint64_t total = 0;                 ///< with this mail, and what is under way
    std::uint64_t under_way = 0;             ///< reserved by messages that have no end yet
    std::optional<event::Milliseconds> wait; ///< until the mail would pass; nothing: never, or nobody knows
};

/// "hourly: 301 recipients in 1h by this auth_id, at most 300".
std::string finding(const LimitRule& rule, const LimitNumbers& numbers);

/// The rule's own text, or the finding and when to try again.
std::string limit_text(const LimitRule& rule, const LimitNumbers& numbers);

/// @return  the first placeholder that is none, or the text from a brace on that is not closed.
std::optional<std::string> wrong_placeholder(std::string_view text);

} // namespace smtpauth
