// Finds incidents in the stream of records: which account went beyond a limit, since when, until when. Keeps of every
// account what an alarm tells of its last hour. Pure: its only times are the records' and those that it is told.
//
// A refusal by the reject list or by a block belongs to an incident that is open, but begins none: an administrator
// wrote that list, and a block has been told of already. So with a block by an administrator.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/alert/alarm.hpp"
#include "collector/alert/recent_mail.hpp"
#include "collector/alert/settings.hpp"
#include "proto/event/record.hpp"
#include "proto/event/record_id.hpp"

namespace smtpauth {

class Incidents {
public:
    /// An incident that is not over.
    struct Open {
        Alarm alarm;              ///< what it will tell; the parts about the last hour are filled in then
        event::Time opened{};     ///< when its grade was heard of, on this machine's clock
        Grade told = Grade::none; ///< the grade that the last alarm told
    };
    /// By account, as in records.
    using OpenIncidents = std::map<std::string, Open, std::less<>>;

    explicit Incidents(const IncidentSettings& settings) : settings_(settings) {}

    void set(const IncidentSettings& settings) { settings_ = settings; }

    /// @param now  the machine's clock.
    void add(const event::RecordId& id, const event::Record& record, event::Time now);

    /// A record of before that was added once, by the process before: for the last hour's sake only.
    void remember(const event::Record& record);

    /// Alarms that are due: incidents that began, or became worse, so long ago that there is something to tell; those
    /// that have stayed open for long, and those that are over.
    /// Each comes once.
    std::vector<Alarm> take_due(event::Time now);

    const OpenIncidents& open() const { return open_; }

    /// Puts what open() gave back in its place; for the start.
    void restore(OpenIncidents open) { open_ = std::move(open); }

    /// Accounts whose last hour is remembered, octets for them, and how many were forgotten to stay below max_bytes.
    struct Memory {
        std::size_t accounts = 0;
        std::size_t bytes = 0;
        std::uint64_t forgotten = 0;
    };
    Memory memory() const { return {accounts_.size(), bytes_, forgotten_}; }

private:
    struct Account {
        std::string id;
        RecentMail mail;
        std::size_t bytes = 0;
    };
    using Accounts = std::list<Account>; ///< that which sent last at the front

    void add_mail(const event::RecordId& id, const event::Record& record, event::Time now);
    void add_block(const event::RecordId& id, const event::Record& record, event::Time now);
    void end_by_unblock(const event::Record& record, event::Time now);
    bool begins_one(const event::Record& record) const;
    Open& begin(const event::RecordId& id, const event::Record& record, event::Time now);
    void count(Open& incident, const event::Record& record, event::Time now) const;
    static void raise(Open& incident, Grade grade, const event::Record& record, event::Time now);
    void tell_beginning(const std::string& account, Open& incident, event::Time now);
    void end(OpenIncidents::iterator incident, std::string why, event::Time now);
    void end_quiet(event::Time now);
    void end_the_quietest(event::Time now);
    void tell(const std::string& account, Open& incident, Alarm::Event event, event::Time now);
    const RecentMail* recent(std::string_view account) const;

    IncidentSettings settings_;
    OpenIncidents open_;
    std::vector<Alarm> due_; ///< what did not wait for take_due()
    Accounts accounts_;
    std::unordered_map<std::string_view, Accounts::iterator> by_id_; ///< views into accounts_
    std::size_t bytes_ = 0;
    std::uint64_t forgotten_ = 0;
};

} // namespace smtpauth
