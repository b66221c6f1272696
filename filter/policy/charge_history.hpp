// What one account (or domain, or sender) was charged for, each charge with its own time: any window that ends now is
// summed exactly, whatever its length, without a walk over it. Rules are not known here, so a new rule finds the past.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/event/record.hpp"

namespace smtpauth {

/// What mail costs, in everything that is summed.
struct Charge {
    std::uint64_t messages = 0;
    std::uint64_t recipients = 0;
    std::uint64_t rejected_recipients = 0;
    std::uint64_t new_recipients = 0;
    std::uint64_t bytes = 0;

    bool operator==(const Charge&) const = default;
    Charge& operator+=(const Charge& other);
};

class ChargeHistory {
public:
    /// Where there are more, the older half is joined two by two, each pair at the time of its later one: those count a
    /// little too long, by the time between two charges, and never too short.
    static constexpr std::size_t max_charges = 65536;

    /// A clock that was set back takes the past back with it, so that no charge counts longer than its window.
    /// @return  by how much.
    event::Milliseconds set_clock(event::Time now);

    /// @param keep  what is as old as this is forgotten.
    void add(event::Time now, const Charge& charge, event::Milliseconds keep);

    /// Undoes an add(), but for new_recipients: those are known now, and whoever sends again counts none. Nothing where
    /// that is forgotten.
    void take_back(event::Time time, const Charge& charge);

    /// All charges younger than `window`: one exactly as old has left it.
    Charge sum(event::Time now, event::Milliseconds window) const;

    /// When the sum of one kind will have sunk to `at_most`, if nothing is added; `now` where it has.
    event::Time falls_to(std::uint64_t at_most, std::uint64_t Charge::*kind, event::Time now,
                         event::Milliseconds window) const;

    bool empty() const { return begin_ == entries_.size(); }
    std::size_t size() const { return entries_.size() - begin_; }
    /// Of the charge added last. Not to be asked of an empty history.
    event::Time newest() const { return entries_.back().time; }
    std::size_t size_bytes() const { return entries_.capacity() * sizeof(Entry); }

    /// Each charge, the oldest first.
    template <class Take> // (event::Time, const Charge&)
    void for_each(Take take) const
    {
        for (std::size_t at = begin_; at != entries_.size(); ++at)
            take(entries_[at].time, between(before(at), entries_[at]));
    }

private:
    /// Counters that run on from entry to entry: two of them tell what lies between. Those of 32 bits wrap, and their
    /// differences stay exact.
    struct Entry {
        event::Time time{};
        std::uint64_t bytes = 0;
        std::uint32_t messages = 0;
        std::uint32_t recipients = 0;
        std::uint32_t rejected_recipients = 0;
        std::uint32_t new_recipients = 0;
    };

    static Charge between(const Entry& older, const Entry& newer);
    const Entry& before(std::size_t at) const { return at == begin_ ? base_ : entries_[at - 1]; }
    std::size_t first_younger(event::Time now, event::Milliseconds window) const;
    void forget_until(std::size_t first);
    void join_older_half();

    Entry base_; ///< the counters before the first entry
    std::vector<Entry> entries_;
    std::size_t begin_ = 0; ///< those before it are forgotten
};

} // namespace smtpauth
