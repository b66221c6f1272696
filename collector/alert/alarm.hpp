// What an alarm tells: a whole incident, from its first refusal to now or to its end. Plain data.
//
// An incident is one account that went beyond a limit, or was blocked by a rule, until that has been quiet for a while.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace smtpauth {

/// Messages, but for `recipients` (of what passed) and `refused` (each command that was refused, too).
struct MailCounts {
    std::uint64_t accepted = 0;
    std::uint64_t recipients = 0;
    std::uint64_t warned = 0; ///< accepted ones that a rule would have stopped; also in `accepted`
    std::uint64_t held = 0;
    std::uint64_t refused = 0;
    bool operator==(const MailCounts&) const = default;
};

/// A network or a country: what came from there.
struct OriginCount {
    std::string name;    ///< "192.0.2.0/24", "2001:db8:1:2::/64"; "JP"
    std::string country; ///< of a network, as it was seen last
    std::uint64_t passed = 0;
    std::uint64_t refused = 0;
    bool operator==(const OriginCount&) const = default;
};

struct RuleCount {
    std::string rule;
    std::uint64_t count = 0;
    bool operator==(const RuleCount&) const = default;
};

/// Something that happened meanwhile: a block.
struct AlarmNote {
    std::chrono::sys_seconds time;
    std::string text;
    bool operator==(const AlarmNote&) const = default;
};

/// How bad it is, the worst last. `not_blocked`: a rule wanted to block it and was not allowed to any more
/// (max_per_hour).
enum class Grade : std::uint8_t { none, warned, held, refused, blocked, not_blocked };

/// All text is as the logs show it (proto/ltsv): one line of valid UTF-8 without control bytes. Bounded in every part.
struct Alarm {
    enum class Event {
        opened,
        worse,    ///< told of before, with a lower grade
        reminder, ///< still open after long
        closed
    };

    Event event = Event::opened;
    std::string incident;           ///< id of the record that began it, as in the logs
    std::string account;            ///< "": mail that came without authentication
    Grade grade = Grade::warned;    ///< the worst that rules did
    std::string rule;               ///< what did that first
    std::string reason;             ///< its answer then, with the numbers
    std::chrono::sys_seconds first; ///< when it acted
    std::chrono::sys_seconds last;  ///< when something was refused, held or warned of last
    std::chrono::sys_seconds told;  ///< when this alarm was made
    std::string ended;              ///< of a closed one: why
    bool late = false;              ///< the collector heard of it long after it began

    MailCounts since_first;
    MailCounts last_hour;              ///< before `told`
    bool hour_is_incomplete = false;   ///< there was more in that hour than is remembered
    std::vector<RuleCount> rules;      ///< what acted, how often
    std::vector<OriginCount> networks; ///< from an hour before `first` on
    std::vector<OriginCount> countries;
    std::uint64_t more_networks = 0;     ///< messages and refusals of networks that the list has no room for
    std::vector<std::string> recipients; ///< a sample, the newest last
    std::vector<std::string>
        queue_ids; ///< of what passed or is held in the last hour, the newest last; letters and digits only
    std::vector<AlarmNote> notes;

    bool operator==(const Alarm&) const = default;
};

/// What one delivery carries: alarms that belong together, or that had to wait for each other.
struct Notice {
    std::chrono::sys_seconds raised; ///< when the first of them was
    std::vector<Alarm> alarms;       ///< at least one
};

} // namespace smtpauth
