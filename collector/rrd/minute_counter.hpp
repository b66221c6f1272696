// Adds traffic up by the minute, until each minute is written. Pure: no clock, no file, no librrd.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

#include "collector/traffic.hpp"

namespace smtpauth {

/// The beginning of a minute.
using Minute = std::chrono::sys_time<std::chrono::minutes>;

struct MinuteRow {
    Minute minute{};
    TrafficCounts counts{};
    std::uint64_t records = 0; ///< how many records the counts are made of

    bool operator==(const MinuteRow&) const = default;
};

class MinuteCounter {
public:
    /// The longest gap that is filled with zeros; what lies further back stays unknown.
    static constexpr std::chrono::minutes longest_gap = std::chrono::days(7);

    /// Minutes that may be kept at once: bounds memory where a clock runs wild.
    static constexpr std::size_t max_minutes = 20000;

    /// @param next  the first minute that is not written yet.
    explicit MinuteCounter(Minute next) : next_(next) {}

    Minute next() const { return next_; }

    /// Counts one record towards its minute; where that is written already, the record is late.
    void add(event::Time time, const TrafficCounts& counts);

    /// The same for traffic that is read back from a log: what is written already needs no mention.
    void recount(event::Time time, const TrafficCounts& counts);

    /// Takes every minute before `end` out, those without traffic as zeros. What comes later for one of them is late.
    std::vector<MinuteRow> take_until(Minute end);

    /// Rows that could not be written: they come again with the next take_until().
    void put_back(const std::vector<MinuteRow>& rows);

    /// Minutes before `next` cannot be written any more: their records are late.
    void skip_to(Minute next);

    /// Begins anew at an earlier minute: the file does.
    void rewind_to(Minute next) { next_ = next; }

    /// Records that came too late for their minute, since the start.
    std::uint64_t late() const { return late_; }

private:
    void merge(const MinuteRow& row);

    Minute next_;
    std::map<Minute, MinuteRow> minutes_; ///< none before next_
    std::uint64_t late_ = 0;
};

} // namespace smtpauth
