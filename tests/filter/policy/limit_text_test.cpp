#include "filter/policy/limit_text.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;
using namespace std::chrono_literals;

namespace {

LimitRule rule(std::string text)
{
    return {.name = "hourly", .measure = Measure::messages, .limit = 300, .window = 90min, .text = std::move(text)};
}

} // namespace

TEST_CASE("the usual text of a limit says what was counted, and when to try again", "[filter][policy]")
{
    CHECK(limit_text(rule(""), {.limit = 20, .total = 21, .wait = {}}) ==
          "hourly: 21 messages in 90m by this auth_id, at most 20");
    CHECK(limit_text(rule(""), {.limit = 20, .total = 21, .wait = 119001ms}) ==
          "hourly: 21 messages in 90m by this auth_id, at most 20; try again in 2m");
    CHECK(limit_text(rule(""), {.limit = 20, .total = 21, .wait = 1ms}).ends_with("try again in 1s"));
}

TEST_CASE("an administrator's text has the numbers where it asks for them", "[filter][policy]")
{
    CHECK(limit_text(rule("{total} of {limit} {count} per {window} and {per} ({rule}). Wait {wait}."),
                     {.limit = 20, .total = 21, .wait = 3s}) ==
          "21 of 20 messages per 90m and auth_id (hourly). Wait 3s.");
    CHECK(limit_text(rule("Too much."), {.limit = 20, .total = 21, .wait = 3s}) == "Too much.");
    CHECK(limit_text(rule("Wait {wait}."), {.limit = 20, .total = 21, .wait = {}}) == "Wait a while.");
}

TEST_CASE("what is no placeholder is found", "[filter][policy]")
{
    CHECK_FALSE(wrong_placeholder("{total} } {limit}"));
    CHECK(wrong_placeholder("{total} {user}") == "{user}");
    CHECK(wrong_placeholder("a {total} {limit") == "{limit");
    CHECK(wrong_placeholder("{}") == "{}");
}
