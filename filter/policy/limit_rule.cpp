#include "filter/policy/limit_rule.hpp"

#include <algorithm>

namespace smtpauth {

Windows longest_windows(const std::vector<LimitRule>& rules)
{
    Windows longest{};
    for (const LimitRule& rule : rules) {
        auto& window = longest[static_cast<std::size_t>(rule.scope)];
        window = std::max(window, rule.window);
    }
    return longest;
}

bool knows_recipients(const std::vector<LimitRule>& rules)
{
    return std::any_of(rules.begin(), rules.end(),
                       [](const LimitRule& rule) { return rule.measure == Measure::new_recipients; });
}

bool refuses_recipients(const std::vector<LimitRule>& rules)
{
    return std::any_of(rules.begin(), rules.end(), [](const LimitRule& rule) {
        return rule.over == Over::recipient && rule.action != event::Action::warn;
    });
}

Scopes reserving_scopes(const std::vector<LimitRule>& rules)
{
    Scopes scopes{};
    for (const LimitRule& rule : rules)
        if (rule.over == Over::recipient)
            scopes[static_cast<std::size_t>(rule.scope)] = true;
    return scopes;
}

bool counts_attempts(const std::vector<LimitRule>& rules, const event::Record& mail)
{
    return std::any_of(rules.begin(), rules.end(), [&](const LimitRule& rule) {
        return rule.measure == Measure::rejected_recipients && (rule.unauthenticated || !mail.auth_id.empty());
    });
}

std::string_view to_text(Measure measure)
{
    switch (measure) {
    case Measure::messages:
        return "messages";
    case Measure::recipients:
        return "recipients";
    case Measure::bytes:
        return "bytes";
    case Measure::rejected_recipients:
        return "rejected-recipients";
    case Measure::new_recipients:
        return "new-recipients";
    case Measure::networks:
        return "networks";
    }
    return "";
}

std::string_view to_text(Scope scope)
{
    switch (scope) {
    case Scope::auth_id:
        return "auth_id";
    case Scope::domain:
        return "domain";
    case Scope::sender:
        return "sender";
    }
    return "";
}

} // namespace smtpauth
