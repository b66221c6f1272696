// A limit as the administrator wrote it: how much of what, by whom, in which time, and what becomes of mail beyond it.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/event/record.hpp"

namespace smtpauth {

/// What is counted.
enum class Measure : std::uint8_t {
    messages,
    recipients,          ///< that the MTA accepted
    bytes,               ///< as far as message_size tells
    rejected_recipients, ///< that the MTA itself refused
    new_recipients,      ///< whom the account has not written to before; only by auth_id
    networks,            ///< different ones of the clients: /24, or /64 of IPv6
};

/// By whom.
enum class Scope : std::uint8_t {
    auth_id,
    domain, ///< what follows the last @ of the auth_id
    sender, ///< the envelope sender, in lower case
};
constexpr std::size_t scope_count = 3;

/// What is judged.
enum class Over : std::uint8_t {
    message,   ///< the whole, at its end: passes with all its recipients or not at all
    recipient, ///< each when it is named, as far as the MTA waits for an answer there; the message at its end, too
};

/// What some accounts have instead of the rule's limit: nothing in it means no limit at all.
using OwnLimits = std::unordered_map<std::string, std::optional<std::uint64_t>>;

/// To whom a rule applies otherwise. An account's own limit goes before its domain's.
struct LimitExceptions {
    OwnLimits accounts; ///< by auth_id, normalised
    OwnLimits domains;  ///< by domain of the auth_id

    bool empty() const { return accounts.empty() && domains.empty(); }
    bool operator==(const LimitExceptions&) const = default;
};

struct LimitRule {
    std::string name; ///< in the configuration and the logs
    Measure measure = Measure::recipients;
    Scope scope = Scope::auth_id;
    std::uint64_t limit = 0;
    std::chrono::milliseconds window{};
    event::Action action = event::Action::tempfail; ///< tempfail, reject, hold or warn
    Over over = Over::message;
    bool unauthenticated = false; ///< judges mail without auth_id too; only by sender
    event::Milliseconds block{};  ///< how long an account beyond the limit is blocked at first; 0: it is not
    std::string text{};           ///< of the answer, with placeholders (limit_text.hpp); "": the usual one
    LimitExceptions exceptions{};

    bool operator==(const LimitRule&) const = default;
};

/// The longest window that any rule asks for, by Scope; 0 where none does.
using Windows = std::array<std::chrono::milliseconds, scope_count>;
Windows longest_windows(const std::vector<LimitRule>& rules);

/// Some rule asks whom an account has written to.
bool knows_recipients(const std::vector<LimitRule>& rules);

/// Some rule wants to answer single recipients.
bool refuses_recipients(const std::vector<LimitRule>& rules);

/// For whom recipients are reserved that are accepted one by one.
using Scopes = std::array<bool, scope_count>;
Scopes reserving_scopes(const std::vector<LimitRule>& rules);

/// Some rule counts what the MTA refused to this mail's account, be it in messages that come to no end.
bool counts_attempts(const std::vector<LimitRule>& rules, const event::Record& mail);

/// As in settings: "recipients", "auth_id".
std::string_view to_text(Measure measure);
std::string_view to_text(Scope scope);

} // namespace smtpauth
