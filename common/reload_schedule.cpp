#include "common/reload_schedule.hpp"

#include <algorithm>

namespace smtpauth {

void ReloadSchedule::changed(Time now)
{
    first_change_ = first_change_.value_or(now);
    last_change_ = now;
    due_ = std::min(now + settle_time, *first_change_ + longest_delay);
}

void ReloadSchedule::completed(Time now)
{
    first_change_ = first_change_.value_or(now);
    last_change_ = now;
    due_ = now;
}

void ReloadSchedule::cancel()
{
    first_change_.reset();
    due_.reset();
}

ReloadSchedule::Verdict ReloadSchedule::judge(Time now, std::size_t old_size, std::size_t new_size)
{
    first_change_.reset();
    const bool shrank = new_size < old_size - new_size && new_size < old_size;
    if (shrank && now < last_change_ + quiet_time) {
        due_ = last_change_ + quiet_time;
        return Verdict::wait;
    }
    due_.reset();
    return shrank ? Verdict::warn : Verdict::take;
}

} // namespace smtpauth
