// Records and alarms for tests of alarms.
#pragma once

#include <string>

#include "collector/alert/alarm.hpp"
#include "proto/event/record.hpp"
#include "proto/event/record_id.hpp"
#include "tests/support/records.hpp"

namespace smtpauth::test {

/// A message that passed.
inline event::Record sent(std::string account, event::Time time, std::string queue_id = "4Xk2Yz1abc")
{
    event::Record record = message(std::move(queue_id));
    record.auth_id = std::move(account);
    record.auth_id_raw.clear();
    record.eom_time = time;
    return record;
}

/// A refusal by a limit.
inline event::Record limited(std::string account, event::Time time, std::string rule = "default")
{
    event::Record record = refusal(std::move(account));
    record.action = event::Action::tempfail;
    record.client_address = "198.51.100.9";
    record.country = "BR";
    record.eom_time = time;
    record.rule = std::move(rule);
    record.reason = "450 4.7.1 default: 1001 recipients in 1h by this account, at most 1000";
    return record;
}

inline event::Record block(std::string account, event::Time time, std::string by)
{
    event::Record record;
    record.type = event::RecordType::block;
    record.auth_id = std::move(account);
    record.eom_time = time;
    record.until = time + std::chrono::hours(2);
    record.rule = std::move(by);
    record.reason = "because";
    return record;
}

inline event::Record unblock(std::string account, event::Time time)
{
    event::Record record = block(std::move(account), time, "admin");
    record.type = event::RecordType::unblock;
    return record;
}

/// An alarm with something in every part.
inline Alarm alarm(std::string account = "alice")
{
    using std::chrono::seconds;
    const auto time = std::chrono::floor<seconds>(noon);
    Alarm alarm;
    alarm.incident = "5b36c2cb32b94b2d-43";
    alarm.account = std::move(account);
    alarm.grade = Grade::refused;
    alarm.rule = "default";
    alarm.reason = "450 4.7.1 default: 1001 recipients in 1h by this account, at most 1000";
    alarm.first = time;
    alarm.last = time + seconds(60);
    alarm.told = time + seconds(70);
    alarm.since_first = {.accepted = 1, .recipients = 2, .warned = 1, .held = 3, .refused = 1000};
    alarm.last_hour = {.accepted = 34, .recipients = 1000, .warned = 1, .held = 3, .refused = 1000};
    alarm.rules = {{"default", 1000}, {"block", 4}};
    alarm.networks = {{"192.0.2.0/24", "JP", 34, 0}, {"198.51.100.0/24", "", 3, 1000}};
    alarm.countries = {{"JP", "", 34, 0}, {"BR", "", 3, 1000}};
    alarm.more_networks = 7;
    alarm.recipients = {"bob@example.net"};
    alarm.queue_ids = {"4Xk2Yz1abc", "4Xk2Yz1abd"};
    alarm.notes = {{time + seconds(30), "blocked until 2026-03-01T14:34:56Z by rate: too much"}};
    return alarm;
}

} // namespace smtpauth::test
