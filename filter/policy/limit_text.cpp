#include "filter/policy/limit_text.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/units.hpp"

namespace smtpauth {

namespace {

constexpr std::array<std::string_view, 7> placeholders{"rule", "count", "per", "window", "limit", "total", "wait"};

/// In whole seconds, or minutes where there are many: nobody waits to the millisecond.
std::string rounded(event::Milliseconds wait)
{
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait);
    return seconds <= std::chrono::minutes(2) ? to_text(seconds)
                                              : to_text(std::chrono::ceil<std::chrono::minutes>(wait));
}

std::string value_of(std::string_view placeholder, const LimitRule& rule, const LimitNumbers& numbers)
{
    const std::array<std::string, placeholders.size()> values{rule.name,
                                                              std::string(to_text(rule.measure)),
                                                              std::string(to_text(rule.scope)),
                                                              to_text(rule.window),
                                                              std::to_string(numbers.limit),
                                                              std::to_string(numbers.total),
                                                              numbers.wait ? rounded(*numbers.wait) : "a while"};
    const auto* found = std::find(placeholders.begin(), placeholders.end(), placeholder);
    return values[static_cast<std::size_t>(found - placeholders.begin())];
}

/// Goes over a text: what stands between braces, and what does not.
template <class Plain, class Placeholder>
void walk(std::string_view text, Plain plain, Placeholder placeholder)
{
    while (!text.empty()) {
        const std::size_t open = std::min(text.find('{'), text.size());
        plain(text.substr(0, open));
        text.remove_prefix(open);
        const std::size_t close = std::min(text.find('}'), text.size());
        if (!text.empty())
            placeholder(text.substr(1, close - 1));
        text.remove_prefix(std::min(close + 1, text.size()));
    }
}

} // namespace

std::string finding(const LimitRule& rule, const LimitNumbers& numbers)
{
    return fmt::format("{}: {} {} in {} by this {}, at most {}{}", rule.name, numbers.total, to_text(rule.measure),
                       to_text(rule.window), to_text(rule.scope), numbers.limit,
                       numbers.under_way == 0 ? "" : fmt::format(" ({} of them under way)", numbers.under_way));
}

std::string limit_text(const LimitRule& rule, const LimitNumbers& numbers)
{
    if (rule.text.empty())
        return finding(rule, numbers) + (numbers.wait ? "; try again in " + rounded(*numbers.wait) : "");
    std::string text;
    walk(
        rule.text, [&](std::string_view plain) { text += plain; },
        [&](std::string_view placeholder) { text += value_of(placeholder, rule, numbers); });
    return text;
}

std::optional<std::string> wrong_placeholder(std::string_view text)
{
    std::optional<std::string> wrong;
    walk(
        text, [](std::string_view) {},
        [&](std::string_view placeholder) {
            if (!wrong && std::find(placeholders.begin(), placeholders.end(), placeholder) == placeholders.end())
                wrong = "{" + std::string(placeholder) + "}";
        });
    const std::size_t last_open = text.rfind('{');
    if (!wrong && last_open != std::string_view::npos && text.find('}', last_open) == std::string_view::npos)
        wrong = std::string(text.substr(last_open));
    return wrong;
}

} // namespace smtpauth
