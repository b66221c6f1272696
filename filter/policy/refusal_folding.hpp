// A botnet that hammers at a closed account shall not fill the logs: the first refusals of a minute (or refused
// messages, or messages without an end) have a record each, the others one together, with their count. No clock, no
// file. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "proto/event/record.hpp"

namespace smtpauth {

class RefusalFolding {
public:
    /// @param records_per_minute  of one account by one rule at one stage; 0: as many as there are refusals.
    void set(std::uint32_t records_per_minute) { records_per_minute_ = records_per_minute; }

    /// @param refusal  with the time of its decision.
    /// @return  it is counted, and needs no record of its own.
    bool absorb(const event::Record& refusal);

    /// Records of what was counted in minutes that are over; each is the last refusal of its minute, with the count,
    /// without recipients, with what the MTA refused of all of them, and without a client where there were several
    /// networks.
    std::vector<event::Record> take_due(event::Time now);

    /// The same of all minutes.
    std::vector<event::Record> take_all() { return take_due(event::Time::max()); }

    /// Since the start.
    std::uint64_t absorbed() const { return absorbed_; }

private:
    struct Minute {
        event::Time begin{};
        std::uint32_t records = 0;
        std::uint64_t count = 0; ///< of what is folded
        event::Record folded{};  ///< the last of those
    };

    static void fold(Minute& minute, const event::Record& refusal);

    std::uint32_t records_per_minute_ = 60;
    std::uint64_t absorbed_ = 0;
    std::unordered_map<std::string, Minute> minutes_; ///< by account, rule, stage and kind of record
};

} // namespace smtpauth
