#include "collector/alert/incidents.hpp"

#include <catch2/catch.hpp>

#include "tests/support/alarms.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::block;
using test::limited;
using test::noon;
using test::sent;
using test::unblock;
using Event = Alarm::Event;

namespace {

IncidentSettings settings()
{
    return {.gather = 10s, .quiet_after = 30min, .late_action_max = 15min, .max_incidents = 3, .max_bytes = 1 << 20};
}

/// Records that come when they are made, on a machine with one clock.
struct Fixture {
    void add(const event::Record& record) { incidents.add({0xa, ++sequence}, record, std::max(now, record.eom_time)); }
    std::vector<Alarm> at(event::Time time)
    {
        now = time;
        return incidents.take_due(time);
    }
    /// The alarm that is due then; exactly one.
    Alarm one_at(event::Time time)
    {
        auto alarms = at(time);
        REQUIRE(alarms.size() == 1);
        return alarms.front();
    }

    Incidents incidents{settings()};
    std::uint64_t sequence = 0;
    event::Time now = noon;
};

} // namespace

TEST_CASE_METHOD(Fixture, "a thousand refusals are one incident: one alarm, one closing note", "[collector][alert]")
{
    add(sent("alice", noon - 20min, "A1"));
    add(sent("alice", noon - 5s, "A2"));
    add(sent("bob", noon, "B1"));
    for (int at = 0; at < 1000; ++at)
        add(limited("alice", noon + std::chrono::milliseconds(at)));
    add(sent("alice", noon + 2s, "A3"));
    CHECK(at(noon + 9s).empty());

    const Alarm opened = one_at(noon + 10s);
    CHECK(opened.event == Event::opened);
    CHECK(opened.incident == "000000000000000a-4");
    CHECK(opened.account == "alice");
    CHECK(opened.rule == "default");
    CHECK(opened.reason == "450 4.7.1 default: 1001 recipients in 1h by this account, at most 1000");
    CHECK(opened.first == std::chrono::floor<std::chrono::seconds>(noon));
    CHECK(opened.last == std::chrono::floor<std::chrono::seconds>(noon + 999ms));
    CHECK_FALSE(opened.late);
    CHECK(opened.since_first == MailCounts{.accepted = 1, .recipients = 2, .refused = 1000});
    CHECK(opened.last_hour == MailCounts{.accepted = 3, .recipients = 6, .refused = 1000});
    CHECK(opened.queue_ids == std::vector<std::string>{"A1", "A2", "A3"});
    CHECK(opened.recipients == std::vector<std::string>{"bob@example.net"});
    CHECK(opened.networks ==
          std::vector<OriginCount>{{"192.0.2.0/24", "JP", 3, 0}, {"198.51.100.0/24", "BR", 0, 1000}});
    CHECK(opened.countries == std::vector<OriginCount>{{"JP", "", 3, 0}, {"BR", "", 0, 1000}});
    CHECK(opened.rules == std::vector<RuleCount>{{"default", 1000}});

    add(limited("alice", noon + 1min));
    CHECK(at(noon + 31min - 1s).empty());
    const Alarm closed = one_at(noon + 31min);
    CHECK(closed.event == Event::closed);
    CHECK(closed.ended == "quiet for 30m");
    CHECK(closed.incident == opened.incident);
    CHECK(closed.since_first.refused == 1001);
    CHECK(at(noon + 24h).empty());
    CHECK(incidents.open().empty());
}

TEST_CASE_METHOD(Fixture, "what an administrator did raises no alarm, but belongs to an incident", "[collector][alert]")
{
    auto listed = test::refusal("alice");
    auto blocked = listed;
    blocked.rule = "block";
    add(listed);
    add(blocked);
    add(block("alice", noon, "admin"));
    CHECK(at(noon + 1h).empty());

    add(limited("alice", noon + 1h));
    add(block("alice", noon + 1h + 1s, "admin"));
    blocked.eom_time = noon + 1h + 20min;
    add(blocked);
    const Alarm opened = one_at(noon + 1h + 20min);
    CHECK(opened.rules == std::vector<RuleCount>{{"default", 1}, {"block", 1}});
    REQUIRE(opened.notes.size() == 1);
    CHECK(opened.notes[0].text == "blocked until 2026-03-01T15:34:57Z by admin: because");
    CHECK(at(noon + 1h + 49min).empty());
    CHECK(one_at(noon + 1h + 51min).event == Event::closed);
}

TEST_CASE_METHOD(Fixture, "a block that a rule made opens an incident", "[collector][alert]")
{
    add(block("alice", noon, "networks"));
    const Alarm opened = one_at(noon + 10s);
    CHECK(opened.rule == "networks");
    CHECK(opened.reason == "because");
    CHECK(opened.notes.size() == 1);
}

TEST_CASE_METHOD(Fixture, "an incident that becomes worse is told again, once a grade", "[collector][alert]")
{
    auto warned = sent("", noon, "W1");
    warned.action = event::Action::warn;
    warned.rule = "minute";
    add(warned);
    CHECK(one_at(noon + 10s).grade == Grade::warned);
    add(limited("", noon + 20s));
    add(limited("", noon + 21s));
    CHECK(at(noon + 29s).empty());
    const Alarm worse = one_at(noon + 30s);
    CHECK(worse.event == Event::worse);
    CHECK(worse.grade == Grade::refused);
    CHECK(worse.rule == "default");
    add(warned);
    add(limited("", noon + 40s));
    CHECK(at(noon + 20min).empty());
    add(block("", noon + 20min, "networks"));
    CHECK(one_at(noon + 20min + 10s).grade == Grade::blocked);
}

TEST_CASE_METHOD(Fixture, "a block that was not made is said to be none", "[collector][alert]")
{
    auto none = block("alice", noon, "networks");
    none.until = {};
    add(limited("alice", noon - 1s));
    CHECK(one_at(noon + 10s).grade == Grade::refused);
    add(none);
    const Alarm worse = one_at(noon + 20s);
    CHECK(worse.grade == Grade::not_blocked);
    CHECK(worse.notes.at(0).text == "NOT blocked by networks: because");
}

TEST_CASE_METHOD(Fixture, "one that stays open is told of again every few hours", "[collector][alert]")
{
    std::vector<Event> events;
    for (auto time = noon; time < noon + 13h; time += 10min) {
        add(limited("", time));
        for (const Alarm& alarm : at(time + 10s))
            events.push_back(alarm.event);
    }
    CHECK(events == std::vector{Event::opened, Event::reminder, Event::reminder});
}

TEST_CASE_METHOD(Fixture, "an unblock ends an incident at once", "[collector][alert]")
{
    add(limited("alice", noon));
    CHECK(one_at(noon + 10s).event == Event::opened);
    add(unblock("alice", noon + 20s));
    const Alarm closed = one_at(noon + 20s);
    CHECK(closed.event == Event::closed);
    CHECK(closed.ended == "unblocked by admin: because");

    add(limited("alice", noon + 30s));
    add(unblock("alice", noon + 31s));
    const auto both = at(noon + 31s);
    REQUIRE(both.size() == 2);
    CHECK(both[0].event == Event::opened);
    CHECK(both[1].event == Event::closed);
    add(unblock("alice", noon + 40s));
    CHECK(at(noon + 1h).empty());
}

TEST_CASE_METHOD(Fixture, "each action of a limit opens an incident and is counted as what it is", "[collector][alert]")
{
    auto held = sent("alice", noon, "H1");
    held.action = event::Action::hold;
    held.rule = "day";
    auto warned = sent("alice", noon + 1s, "W1");
    warned.action = event::Action::warn;
    warned.rule = "minute";
    const bool held_first = GENERATE(true, false);
    add(held_first ? held : warned);
    add(held_first ? warned : held);
    const Alarm alarm = one_at(noon + 11s);
    CHECK(alarm.rule == "day");
    CHECK(alarm.grade == Grade::held);
    CHECK(alarm.since_first == MailCounts{.accepted = 1, .recipients = 2, .warned = 1, .held = 1});
    CHECK(alarm.queue_ids.size() == 2);
}

TEST_CASE_METHOD(Fixture, "folded refusals count as many as they are", "[collector][alert]")
{
    auto folded = limited("alice", noon);
    folded.count = 700;
    add(folded);
    const Alarm alarm = one_at(noon + 10s);
    CHECK(alarm.since_first.refused == 700);
    CHECK(alarm.rules == std::vector<RuleCount>{{"default", 700}});
    CHECK(alarm.networks[0].refused == 700);
}

TEST_CASE_METHOD(Fixture, "mail without authentication is one incident, of what limits stopped", "[collector][alert]")
{
    add(sent("", noon - 1s));
    add(limited("", noon));
    add(limited("", noon + 1s));
    add(sent("", noon + 2s));
    const Alarm alarm = one_at(noon + 10s);
    CHECK(alarm.account.empty());
    CHECK(alarm.since_first == MailCounts{.refused = 2});
}

TEST_CASE("old news are raised all the same, and marked; a long pause in them is the end of an incident",
          "[collector][alert]")
{
    Incidents incidents(settings());
    const event::Time now = noon + 8h;
    incidents.add({0xa, 1}, sent("alice", noon - 10min, "A1"), now);
    incidents.add({0xa, 2}, limited("alice", noon), now);
    incidents.add({0xa, 3}, limited("alice", noon + 20min), now);
    incidents.add({0xa, 4}, limited("alice", noon + 2h), now);
    auto alarms = incidents.take_due(now + 10s);
    REQUIRE(alarms.size() == 4);
    CHECK(alarms[0].late);
    CHECK(alarms[0].queue_ids == std::vector<std::string>{"A1"});
    CHECK(alarms[1].event == Event::closed);
    CHECK(alarms[1].since_first.refused == 2);
    CHECK(alarms[2].event == Event::opened);
    CHECK(alarms[2].incident == "000000000000000a-4");
    CHECK(alarms[3].event == Event::closed);
}

TEST_CASE("a record from the future keeps no incident open for ever", "[collector][alert]")
{
    Incidents incidents(settings());
    incidents.add({0xa, 1}, limited("alice", noon + 24h * 365), noon);
    CHECK(incidents.take_due(noon + 10s).size() == 1);
    CHECK(incidents.take_due(noon + 31min).size() == 1);
}

TEST_CASE("a clock that is put back delays no alarm", "[collector][alert]")
{
    Incidents incidents(settings());
    incidents.add({0xa, 1}, limited("alice", noon), noon);
    CHECK(incidents.take_due(noon - 5h).size() == 1);
}

TEST_CASE("what passed while an incident was open counts to it, whichever log is read first", "[collector][alert]")
{
    Incidents incidents(settings());
    incidents.add({0xa, 3}, sent("alice", noon + 5s, "A3"), noon + 1min);
    incidents.add({0xa, 1}, sent("alice", noon - 5s, "A1"), noon + 1min);
    incidents.add({0xa, 2}, limited("alice", noon), noon + 1min);
    const auto alarms = incidents.take_due(noon + 2min);
    REQUIRE(alarms.size() == 1);
    CHECK(alarms[0].since_first == MailCounts{.accepted = 1, .recipients = 2, .refused = 1});
}

TEST_CASE("what is remembered opens and counts nothing", "[collector][alert]")
{
    Incidents incidents(settings());
    incidents.remember(sent("alice", noon, "A1"));
    incidents.remember(limited("alice", noon));
    CHECK(incidents.take_due(noon + 1h).empty());
    incidents.add({0xa, 9}, limited("alice", noon + 1s), noon + 1s);
    const auto alarms = incidents.take_due(noon + 20s);
    REQUIRE(alarms.size() == 1);
    CHECK(alarms[0].since_first.refused == 1);
    CHECK(alarms[0].last_hour == MailCounts{.accepted = 1, .recipients = 2, .refused = 2});
    CHECK(alarms[0].queue_ids == std::vector<std::string>{"A1"});
}

TEST_CASE_METHOD(Fixture, "beyond the bound on incidents the quietest is ended early: none goes without an alarm",
                 "[collector][alert]")
{
    for (int at = 0; at < 10; ++at)
        add(limited("user" + std::to_string(at), noon + std::chrono::seconds(at)));
    CHECK(incidents.open().size() == 3);
    const auto alarms = at(noon + 1min);
    CHECK(std::count_if(alarms.begin(), alarms.end(),
                        [](const Alarm& alarm) { return alarm.event == Event::opened; }) == 10);
    CHECK(alarms[0].account == "user0");
    CHECK(alarms[1].ended == "not followed any longer: 3 others are open (max_incidents)");
}

TEST_CASE("memory has a bound: who sent least recently is forgotten first, and counted", "[collector][alert]")
{
    Incidents incidents(settings());
    for (int at = 0; at < 10000; ++at)
        incidents.add({0xa, 1}, sent("user" + std::to_string(at), noon, "A1"), noon);
    const auto memory = incidents.memory();
    CHECK(memory.bytes <= settings().max_bytes);
    CHECK(memory.accounts > 1000);
    CHECK(memory.accounts + memory.forgotten == 10000);
    incidents.add({0xa, 2}, limited("user9999", noon), noon);
    incidents.add({0xa, 3}, limited("user0", noon), noon);
    const auto alarms = incidents.take_due(noon + 10s);
    REQUIRE(alarms.size() == 2);
    CHECK(alarms[0].queue_ids.empty());
    CHECK(alarms[1].queue_ids.size() == 1);
}

TEST_CASE("an incident of a botnet has bounded lists", "[collector][alert]")
{
    Incidents incidents(settings());
    for (int at = 0; at < 1000; ++at) {
        auto record = limited("alice", noon, "rule" + std::to_string(at));
        record.client_address = "10." + std::to_string(at / 200) + "." + std::to_string(at % 200) + ".1";
        incidents.add({0xa, 1}, record, noon);
        incidents.add({0xa, 1}, block("alice", noon, "rule"), noon);
    }
    const auto alarms = incidents.take_due(noon + 10s);
    REQUIRE(alarms.size() == 1);
    std::uint64_t told = alarms[0].more_networks;
    for (const OriginCount& network : alarms[0].networks)
        told += network.refused;
    CHECK(told == 1000);
    CHECK(alarms[0].networks.size() == 50);
    CHECK(alarms[0].rules.size() == 20);
    CHECK(alarms[0].notes.size() == 20);
}

TEST_CASE("recipients are told as the logs may tell them", "[collector][alert]")
{
    const auto [detail, expected] =
        GENERATE(table<LogRecipients, std::vector<std::string>>({{LogRecipients::full, {"bob@example.net"}},
                                                                 {LogRecipients::domain, {"@example.net"}},
                                                                 {LogRecipients::count, {}}}));
    IncidentSettings how = settings();
    how.recipients = detail;
    Incidents incidents(how);
    incidents.add({0xa, 1}, sent("alice", noon), noon);
    incidents.add({0xa, 2}, limited("alice", noon), noon);
    CHECK(incidents.take_due(noon + 10s).at(0).recipients == expected);
}
