#include "collector/alert/alarm_state.hpp"

#include <catch2/catch.hpp>

#include "collector/alert/alarm_json.hpp"
#include "tests/support/alarms.hpp"

using namespace smtpauth;

namespace {

AlarmState sample()
{
    AlarmState state;
    state.stats.advance({0xa, 7});
    state.rejects.advance({0xb, 8});
    Alarm closed = test::alarm("bob");
    closed.event = Alarm::Event::closed;
    closed.ended = "quiet for 30m";
    closed.late = closed.hour_is_incomplete = true;
    state.open.emplace("a\\b\n\xff", Incidents::Open{test::alarm("a\\\\b\\n\\xff"), test::noon, Grade::held});
    state.open.emplace("", Incidents::Open{test::alarm(""), test::noon, Grade::none});
    state.mail = {test::alarm(), closed};
    state.hook = {closed};
    return state;
}

} // namespace

TEST_CASE("the state of alarms comes back as it was", "[collector][alert]")
{
    const AlarmState before = sample();
    const auto after = parse_alarm_state(state_to_text(before));
    REQUIRE(after);
    CHECK(after->stats.list() == before.stats.list());
    CHECK(after->rejects.list() == before.rejects.list());
    CHECK(after->mail == before.mail);
    CHECK(after->hook == before.hook);
    REQUIRE(after->open.size() == 2);
    for (const auto& [account, open] : before.open) {
        const auto found = after->open.find(account);
        REQUIRE(found != after->open.end());
        CHECK(found->second.alarm == open.alarm);
        CHECK(found->second.opened == open.opened);
        CHECK(found->second.told == open.told);
    }
}

TEST_CASE("what was cut or is another thing is no state of alarms", "[collector][alert]")
{
    const std::string text = state_to_text(sample());
    for (std::size_t size = 0; size + 1 < text.size(); size += 7)
        REQUIRE_FALSE(parse_alarm_state(text.substr(0, size)));
    CHECK_FALSE(parse_alarm_state("{}"));
    CHECK_FALSE(parse_alarm_state("[]"));
    CHECK_FALSE(parse_alarm_state(R"({"version":2,"stats":[],"rejects":[],"incidents":[],"mail":[],"hook":[]})"));
    CHECK(parse_alarm_state(R"({"version":1,"stats":[],"rejects":[],"incidents":[],"mail":[],"hook":[],"new":1})"));
    CHECK_FALSE(parse_alarm_state(R"({"version":1,"stats":[1],"rejects":[],"incidents":[],"mail":[],"hook":[]})"));
    CHECK_FALSE(parse_alarm_state(R"({"version":1,"stats":[],"rejects":[],"incidents":[{}],"mail":[],"hook":[]})"));
}

TEST_CASE("an alarm without one of its members, or with another kind in its place, is none", "[collector][alert]")
{
    const json::object whole = to_json(test::alarm());
    REQUIRE(alarm_from_json(whole) == test::alarm());
    for (const auto& member : whole) {
        CAPTURE(std::string(member.key()));
        json::object changed = whole;
        changed.erase(member.key());
        CHECK_FALSE(alarm_from_json(changed));
        changed.emplace(member.key(), nullptr);
        CHECK_FALSE(alarm_from_json(changed));
    }
    for (const char* time :
         {"2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-02-01 00:00:00", "2026-02-0aT00:00:00Z"}) {
        json::object changed = whole;
        changed["first"] = time;
        CHECK_FALSE(alarm_from_json(changed));
    }
}
