#include "filter/limits_config.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "common/units.hpp"
#include "filter/policy/limit_text.hpp"
#include "filter/policy/recent_networks.hpp"

namespace smtpauth {

namespace {

using namespace std::chrono_literals;
using event::Action;

constexpr auto default_name = "default";
constexpr std::size_t longest_name = 32;
/// What stands in records as `rule` and is no limit.
constexpr std::array<std::string_view, 3> reserved_names{"reject_ids", "block", "admin"};
constexpr std::size_t longest_text = 200;
constexpr std::uint64_t largest_count = 1'000'000'000;
constexpr std::uint64_t largest_size = std::uint64_t{1} << 50;

enum class Mode { enforce, warn, off };

/// By name; a rule that is off is there too, for [accounts] may name it.
struct NamedRule {
    LimitRule rule;
    Mode mode = Mode::enforce;
};
using Rules = std::map<std::string, NamedRule>;

/// Part of log lines and of answers.
bool is_name(std::string_view text)
{
    return !text.empty() && text.size() <= longest_name && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

std::uint64_t read_limit(ConfigTable& table, const LimitRule& rule)
{
    switch (rule.measure) {
    case Measure::bytes:
        return table.bytes("limit", rule.limit, 0, largest_size);
    case Measure::networks:
        return table.number("limit", rule.limit, 1, RecentNetworks::max_networks - 1);
    default:
        return table.number("limit", rule.limit, 0, largest_count);
    }
}

/// Of the answer, behind its codes.
std::string read_text(ConfigTable& table, const LimitRule& rule)
{
    std::string text = table.text("text", rule.text);
    const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
    if (!std::all_of(text.begin(), text.end(), printable))
        table.refuse("text", "one line of printable ASCII");
    else if (text.size() > longest_text)
        table.refuse("text",
                     "at most " + std::to_string(longest_text) + " characters, not " + std::to_string(text.size()));
    else if (const auto wrong = wrong_placeholder(text))
        table.refuse("text", "one of {rule}, {count}, {per}, {window}, {limit}, {total} and {wait}, not " + *wrong);
    else if (text.size() > 1 && text[0] >= '0' && text[0] <= '9' && text[1] == '.')
        table.refuse("text", "what stands behind the codes, which action gives");
    return text;
}

/// Accounts, and "@DOMAIN" for all of a domain's, that a rule does not look at.
void read_exempt(ConfigTable& table, const IdNormalizer& normalize, LimitRule& rule)
{
    for (const std::string& who : table.text_list("exempt", {}, Empty::allowed)) {
        if (who == "@" || who.empty())
            table.refuse("exempt", R"(accounts, and "@DOMAIN" for all of a domain's)");
        else if (!who.starts_with('@'))
            rule.exceptions.accounts[normalize(who)] = std::nullopt;
        else if (normalize.strip_domain)
            table.refuse("exempt", R"(accounts only, as auth_id_normalize has "strip-domain")");
        else
            rule.exceptions.domains[IdNormalizer{}(who.substr(1))] = std::nullopt;
    }
}

/// @param rule  what holds where the table says nothing.
NamedRule read_rule(ConfigTable table, const IdNormalizer& normalize, LimitRule rule)
{
    rule.measure = table.choice<Measure>("count", rule.measure,
                                         {{"recipients", Measure::recipients},
                                          {"messages", Measure::messages},
                                          {"bytes", Measure::bytes},
                                          {"rejected-recipients", Measure::rejected_recipients},
                                          {"new-recipients", Measure::new_recipients},
                                          {"networks", Measure::networks}});
    rule.scope = table.choice<Scope>(
        "per", rule.scope, {{"auth_id", Scope::auth_id}, {"domain", Scope::domain}, {"sender", Scope::sender}});
    rule.limit = read_limit(table, rule);
    rule.window = table.duration("window", rule.window, 1s, 24h * 31);
    rule.action = table.choice<Action>(
        "action", rule.action,
        {{"tempfail", Action::tempfail}, {"reject", Action::reject}, {"hold", Action::hold}, {"warn", Action::warn}});
    rule.over = table.choice<Over>("over", rule.over, {{"message", Over::message}, {"recipient", Over::recipient}});
    rule.block = table.duration("block", rule.block, 0s, 24h * 366);
    rule.text = read_text(table, rule);
    read_exempt(table, normalize, rule);
    const Mode mode = table.choice<Mode>("mode", Mode::enforce,
                                         {{"enforce", Mode::enforce}, {"warn", Mode::warn}, {"off", Mode::off}});
    rule.unauthenticated = table.flag("unauthenticated", rule.unauthenticated);
    if (rule.unauthenticated && rule.scope != Scope::sender)
        table.refuse("unauthenticated", R"(this only together with per = "sender")");
    if (rule.over == Over::recipient && rule.measure != Measure::recipients)
        table.refuse("over", R"("message" where messages are counted by something else than "recipients")");
    if (rule.over == Over::recipient && rule.action == Action::hold)
        table.refuse("over", R"("message" where mail is held: a single recipient cannot be)");
    if (rule.measure == Measure::new_recipients && rule.scope != Scope::auth_id)
        table.refuse("per", R"("auth_id" where new recipients are counted)");
    if (rule.block != 0s && rule.action == Action::warn)
        table.refuse("block", R"(none where action = "warn"; to try a block out, mode = "warn")");
    if (rule.block != 0s && rule.scope != Scope::auth_id)
        table.refuse("block", R"(this only together with per = "auth_id")");
    if (rule.name != default_name)
        for (const char* needed : {"limit", "window"})
            if (!table.has(needed))
                table.refuse(needed, "this setting in every limit");
    return {std::move(rule), mode};
}

Rules read_rules(ConfigTable tables, const IdNormalizer& normalize)
{
    Rules rules;
    rules.emplace(default_name, read_rule(tables.table(default_name), normalize, default_limit()));
    for (const std::string& name : tables.keys()) {
        if (name == default_name)
            continue;
        if (!is_name(name)) {
            tables.refuse(name, "a name of 1 to 32 letters, digits, \"-\" and \"_\"");
            continue;
        }
        if (std::find(reserved_names.begin(), reserved_names.end(), name) != reserved_names.end()) {
            tables.refuse(name, "another name: in the logs this one is something else's");
            continue;
        }
        LimitRule rule;
        rule.name = name;
        rules.emplace(name, read_rule(tables.table(name), normalize, std::move(rule)));
    }
    return rules;
}

using NoneOrLimit = std::optional<std::uint64_t>;

/// Reads what an account or a domain has instead of a rule's limit.
struct OwnLimitParser {
    Measure measure;

    std::variant<NoneOrLimit, std::string> operator()(std::string_view text) const
    {
        if (text == "none")
            return NoneOrLimit();
        const bool is_size = measure == Measure::bytes;
        const bool is_networks = measure == Measure::networks;
        const bool plain = text.find_first_not_of("0123456789") == std::string_view::npos;
        const auto number = is_size || plain ? parse_bytes(text) : std::nullopt;
        if (number && is_networks && (*number == 0 || *number >= RecentNetworks::max_networks))
            return R"(a whole number from 1 to )" + std::to_string(RecentNetworks::max_networks - 1) + R"(, or "none")";
        if (number && *number <= (is_size ? largest_size : largest_count))
            return number;
        return std::string(is_size ? R"(a size such as "1GiB", or "none")"
                                   : R"(a whole number up to 1000000000, or "none")");
    }
};

/// One account's table, or one domain's.
void read_own_limits(ConfigTable own, const std::string& name, OwnLimits LimitExceptions::*kind, Rules& rules)
{
    ConfigTable limits = own.table("limits");
    for (const std::string& key : limits.keys()) {
        const auto found = rules.find(key);
        if (found == rules.end()) {
            limits.refuse(key, "the name of a limit, as in [limits." + key + "]");
            continue;
        }
        LimitRule& rule = found->second.rule;
        (rule.exceptions.*kind)[name] = limits.parsed(key, NoneOrLimit(rule.limit), OwnLimitParser{rule.measure});
    }
}

/// What would never apply: accounts have no domain.
void refuse_domains(ConfigTable root, const Rules& rules)
{
    constexpr const char* expected = R"(none, as auth_id_normalize has "strip-domain")";
    if (!root.table("domains").keys().empty())
        root.refuse("domains", expected);
    for (const auto& [name, named] : rules)
        if (named.rule.scope == Scope::domain)
            root.table("limits").table(name).refuse("per", expected);
}

} // namespace

LimitRule default_limit()
{
    return {.name = default_name, .measure = Measure::recipients, .limit = 1000, .window = 1h};
}

std::vector<LimitRule> read_limit_rules(ConfigTable root, const IdNormalizer& normalize)
{
    Rules rules = read_rules(root.table("limits"), normalize);
    ConfigTable accounts = root.table("accounts");
    for (const std::string& id : accounts.keys())
        read_own_limits(accounts.table(id), normalize(id), &LimitExceptions::accounts, rules);
    ConfigTable domains = root.table("domains");
    if (normalize.strip_domain)
        refuse_domains(root, rules);
    for (const std::string& domain : domains.keys())
        read_own_limits(domains.table(domain), IdNormalizer{}(domain), &LimitExceptions::domains, rules);

    std::vector<LimitRule> in_force;
    for (auto& [name, named] : rules) {
        if (named.mode == Mode::off)
            continue;
        if (named.mode == Mode::warn)
            named.rule.action = Action::warn;
        if (named.rule.action == Action::warn)
            named.rule.block = 0s;
        in_force.push_back(std::move(named.rule));
    }
    return in_force;
}

} // namespace smtpauth
