#include "collector/rrd/minute_counter.hpp"

#include <algorithm>

namespace smtpauth {

namespace {

Minute minute_of(event::Time time)
{
    return std::chrono::floor<std::chrono::minutes>(time);
}

} // namespace

void MinuteCounter::add(event::Time time, const TrafficCounts& counts)
{
    merge({minute_of(time), counts, 1});
}

void MinuteCounter::recount(event::Time time, const TrafficCounts& counts)
{
    if (minute_of(time) >= next_)
        add(time, counts);
}

void MinuteCounter::merge(const MinuteRow& row)
{
    const bool known = minutes_.contains(row.minute);
    if (row.minute < next_ || (!known && minutes_.size() >= max_minutes)) {
        late_ += row.records;
        return;
    }
    MinuteRow& sum = minutes_[row.minute];
    sum.minute = row.minute;
    sum.records += row.records;
    for (std::size_t column = 0; column < sum.counts.size(); ++column)
        sum.counts[column] += row.counts[column];
}

std::vector<MinuteRow> MinuteCounter::take_until(Minute end)
{
    skip_to(end - longest_gap);
    std::vector<MinuteRow> rows;
    for (; next_ < end; next_ += std::chrono::minutes(1)) {
        const auto found = minutes_.find(next_);
        rows.push_back(found == minutes_.end() ? MinuteRow{next_, {}, 0} : found->second);
    }
    minutes_.erase(minutes_.begin(), minutes_.lower_bound(next_));
    return rows;
}

void MinuteCounter::put_back(const std::vector<MinuteRow>& rows)
{
    if (rows.empty())
        return;
    next_ = std::min(next_, rows.front().minute);
    for (const MinuteRow& row : rows) {
        if (row.records != 0)
            merge(row);
    }
}

void MinuteCounter::skip_to(Minute next)
{
    while (!minutes_.empty() && minutes_.begin()->first < next) {
        late_ += minutes_.begin()->second.records;
        minutes_.erase(minutes_.begin());
    }
    next_ = std::max(next_, next);
}

} // namespace smtpauth
