#include "filter/limits_config.hpp"

#include <catch2/catch.hpp>

#include "filter/config.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using event::Action;

namespace {

FilterConfigResult read(std::string_view text)
{
    return read_filter_config(ConfigFile::parse(text, "FILE"));
}

/// The rules of a configuration that must be good.
std::vector<LimitRule> rules_of(std::string_view text)
{
    FilterConfigResult result = read(text);
    CHECK(result.errors == std::vector<std::string>{});
    return std::move(result.config.limits);
}

} // namespace

TEST_CASE("where nothing is configured, one generous limit is in force", "[filter][config]")
{
    const auto rules = rules_of("");
    REQUIRE(rules.size() == 1);
    CHECK(rules[0] == default_limit());
    CHECK(rules[0].action == Action::tempfail);
    CHECK(rules[0].limit >= 500);
}

TEST_CASE("limits have names and stand in their order", "[filter][config]")
{
    const auto rules = rules_of(R"(
[limits.hourly]
count = "messages"
per = "domain"
limit = 20
window = "90m"
action = "hold"
[limits.default]
limit = 50
[limits.a-day]
count = "bytes"
per = "sender"
limit = "1GiB"
window = "1d"
action = "reject"
unauthenticated = true
)");
    REQUIRE(rules.size() == 3);
    CHECK(rules[0] == LimitRule{.name = "a-day",
                                .measure = Measure::bytes,
                                .scope = Scope::sender,
                                .limit = 1 << 30,
                                .window = 24h,
                                .action = Action::reject,
                                .unauthenticated = true});
    LimitRule changed = default_limit();
    changed.limit = 50;
    CHECK(rules[1] == changed);
    CHECK(rules[2] == LimitRule{.name = "hourly",
                                .measure = Measure::messages,
                                .scope = Scope::domain,
                                .limit = 20,
                                .window = 90min,
                                .action = Action::hold});
}

TEST_CASE("a limit may only warn, or be off; a filter may only warn", "[filter][config]")
{
    CHECK(rules_of("limits.default.mode = \"off\"").empty());
    CHECK(rules_of("limits.default.mode = \"warn\"").at(0).action == Action::warn);
    CHECK(rules_of("filter.mode = \"warn\"").at(0).action == Action::warn);
}

TEST_CASE("accounts and domains have limits of their own", "[filter][config]")
{
    const auto rules = rules_of(R"(
[limits.volume]
count = "bytes"
limit = "1MiB"
window = "1h"
[accounts."Forum@example.com"]
limits.default = 5000
limits.volume = "2GiB"
[accounts.newsletter]
limits.default = "none"
[domains."Example.COM"]
limits.default = 100
)");
    const LimitExceptions& own = rules.at(0).exceptions;
    CHECK(own.accounts.at("forum@example.com") == 5000);
    CHECK(own.accounts.at("newsletter") == std::nullopt);
    CHECK(own.domains.at("example.com") == 100);
    CHECK(rules.at(1).exceptions.accounts.at("forum@example.com") == std::uint64_t{2} << 30);
}

TEST_CASE("limits judge single recipients, block accounts, speak for themselves and exempt", "[filter][config]")
{
    const auto config = read(R"(
[limits.hourly]
limit = 20
window = "1h"
over = "recipient"
block = "2h"
text = "{total} of {limit}"
exempt = ["News@example.com", "@Lists.example.com"]
[limits.default]
mode = "off"
[blocks]
never = ["Boss@example.com"]
max_per_hour = 5
longest = "3d"
)");
    CHECK(config.errors == std::vector<std::string>{});
    REQUIRE(config.config.limits.size() == 1);
    const LimitRule& rule = config.config.limits[0];
    CHECK(rule.over == Over::recipient);
    CHECK(config.config.answers_recipients);
    CHECK(rule.block == 2h);
    CHECK(rule.text == "{total} of {limit}");
    CHECK(rule.exceptions.accounts == OwnLimits{{"news@example.com", std::nullopt}});
    CHECK(rule.exceptions.domains == OwnLimits{{"lists.example.com", std::nullopt}});
    CHECK(config.config.automatic_blocks ==
          AutomaticBlockTerms{.never = {"boss@example.com"}, .max_per_hour = 5, .longest = 72h});
}

TEST_CASE("what only warns blocks nobody, and no MTA waits for it", "[filter][config]")
{
    const auto config = read("filter.mode = \"warn\"\n[limits.default]\nblock = \"1h\"\nover = \"recipient\"");
    CHECK(config.config.limits.at(0).block == 0h);
    CHECK_FALSE(config.config.answers_recipients);
    CHECK(rules_of("[limits.default]\nblock = \"1h\"\nmode = \"warn\"").at(0).block == 0h);
}

TEST_CASE("ids are normalised as those of mail", "[filter][config]")
{
    const auto rules = rules_of("filter.auth_id_normalize = []\naccounts.\"Ann\".limits.default = 1");
    CHECK(rules.at(0).exceptions.accounts.contains("Ann"));
}

TEST_CASE("the longest window of each scope", "[filter][policy]")
{
    const Windows windows = longest_windows({{.name = "a", .scope = Scope::auth_id, .window = 1h},
                                             {.name = "b", .scope = Scope::auth_id, .window = 2h},
                                             {.name = "c", .scope = Scope::sender, .window = 1min}});
    CHECK(windows == Windows{2h, 0ms, 1min});
}
