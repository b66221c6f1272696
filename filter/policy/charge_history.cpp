#include "filter/policy/charge_history.hpp"

#include <algorithm>

namespace smtpauth {

namespace {

std::uint32_t wrapped(std::uint64_t count)
{
    return static_cast<std::uint32_t>(count);
}

} // namespace

Charge& Charge::operator+=(const Charge& other)
{
    messages += other.messages;
    recipients += other.recipients;
    rejected_recipients += other.rejected_recipients;
    new_recipients += other.new_recipients;
    bytes += other.bytes;
    return *this;
}

Charge ChargeHistory::between(const Entry& older, const Entry& newer)
{
    return {.messages = newer.messages - older.messages,
            .recipients = newer.recipients - older.recipients,
            .rejected_recipients = newer.rejected_recipients - older.rejected_recipients,
            .new_recipients = newer.new_recipients - older.new_recipients,
            .bytes = newer.bytes - older.bytes};
}

std::size_t ChargeHistory::first_younger(event::Time now, event::Milliseconds window) const
{
    const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(begin_);
    const auto found =
        std::partition_point(begin, entries_.end(), [&](const Entry& entry) { return now - entry.time >= window; });
    return static_cast<std::size_t>(found - entries_.begin());
}

event::Milliseconds ChargeHistory::set_clock(event::Time now)
{
    if (empty() || now >= newest())
        return {};
    const auto back = newest() - now;
    for (std::size_t at = begin_; at != entries_.size(); ++at)
        entries_[at].time -= back;
    return back;
}

void ChargeHistory::add(event::Time now, const Charge& charge, event::Milliseconds keep)
{
    forget_until(first_younger(now, keep));
    if (size() == max_charges)
        join_older_half();
    Entry entry = empty() ? base_ : entries_.back();
    if (begin_ > entries_.size() / 2) {
        entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(begin_));
        begin_ = 0;
    }
    entry.time = now;
    entry.messages += wrapped(charge.messages);
    entry.recipients += wrapped(charge.recipients);
    entry.rejected_recipients += wrapped(charge.rejected_recipients);
    entry.new_recipients += wrapped(charge.new_recipients);
    entry.bytes += charge.bytes;
    entries_.push_back(entry);
}

void ChargeHistory::take_back(event::Time time, const Charge& charge)
{
    // From the newest: it was nearly always added a moment ago.
    std::size_t at = entries_.size();
    const auto found = [&](Charge added) {
        added.new_recipients = charge.new_recipients;
        return added == charge;
    };
    while (at != begin_ && (entries_[at - 1].time != time || !found(between(before(at - 1), entries_[at - 1]))))
        --at;
    if (at == begin_)
        return;
    --at;
    for (; at != entries_.size(); ++at) {
        Entry& entry = entries_[at];
        entry.messages -= wrapped(charge.messages);
        entry.recipients -= wrapped(charge.recipients);
        entry.rejected_recipients -= wrapped(charge.rejected_recipients);
        entry.bytes -= charge.bytes;
    }
}

Charge ChargeHistory::sum(event::Time now, event::Milliseconds window) const
{
    const std::size_t first = first_younger(now, window);
    return first == entries_.size() ? Charge{} : between(before(first), entries_.back());
}

event::Time ChargeHistory::falls_to(std::uint64_t at_most, std::uint64_t Charge::*kind, event::Time now,
                                    event::Milliseconds window) const
{
    const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(first_younger(now, window));
    if (begin == entries_.end() || sum(now, window).*kind <= at_most)
        return now;
    // What still counts once an entry has left.
    const auto left = [&](const Entry& entry) { return between(entry, entries_.back()).*kind; };
    const auto last =
        std::partition_point(begin, entries_.end(), [&](const Entry& entry) { return left(entry) > at_most; });
    return last->time + window;
}

/// Counters run on, so that an entry which goes leaves its charge to the next.
void ChargeHistory::join_older_half()
{
    const auto at = [this](std::size_t index) { return entries_.begin() + static_cast<std::ptrdiff_t>(index); };
    const std::size_t pairs = size() / 4;
    for (std::size_t pair = 0; pair < pairs; ++pair)
        entries_[begin_ + pair] = entries_[begin_ + 2 * pair + 1];
    entries_.erase(at(begin_ + pairs), at(begin_ + 2 * pairs));
}

/// Entries before `first` are of no use any more.
void ChargeHistory::forget_until(std::size_t first)
{
    if (first == begin_)
        return;
    base_ = entries_[first - 1];
    begin_ = first;
}

} // namespace smtpauth
