#include "collector/alert/outbox.hpp"

#include <algorithm>
#include <utility>

namespace smtpauth {

void Outbox::set(const OutboxSettings& settings)
{
    settings_ = settings;
    if (settings.on)
        return;
    waiting_.clear();
    if (!under_way_)
        current_.reset();
}

void Outbox::add(const Alarm& alarm)
{
    if (!settings_.on)
        return;
    while (waiting_.size() >= settings_.max_waiting) {
        waiting_.pop_front();
        ++status_.given_up;
    }
    waiting_.push_back(alarm);
}

std::optional<Notice> Outbox::begin(Clock::SteadyTime now)
{
    if (under_way_)
        return std::nullopt;
    if (!current_) {
        if (waiting_.empty() || !may_begin_another(now))
            return std::nullopt;
        // One by one only where all of them may go now.
        const bool single = waiting_.size() <= max_single &&
                            (settings_.per_hour == 0 || allowance_ + 1 >= static_cast<double>(waiting_.size()));
        const auto count = static_cast<std::ptrdiff_t>(single ? 1 : std::min(waiting_.size(), max_in_notice));
        current_.emplace(Notice{waiting_.front().told, {waiting_.begin(), waiting_.begin() + count}});
        waiting_.erase(waiting_.begin(), waiting_.begin() + count);
        tries_ = 0;
    } else if (now < next_try_) {
        return std::nullopt;
    }
    under_way_ = true;
    return current_;
}

/// Takes one of the allowance.
bool Outbox::may_begin_another(Clock::SteadyTime now)
{
    if (settings_.per_hour == 0)
        return true;
    const unsigned at_once = settings_.per_hour / 2;
    const unsigned an_hour = settings_.per_hour - at_once;
    if (allowance_time_) {
        const std::chrono::duration<double, std::ratio<3600>> passed = now - *allowance_time_;
        allowance_ = std::min<double>(at_once, allowance_ + passed.count() * an_hour);
    } else {
        allowance_ = at_once;
    }
    allowance_time_ = now;
    if (allowance_ < 1)
        return false;
    allowance_ -= 1;
    return true;
}

void Outbox::finish(const std::string& error, Clock::WallTime wall, Clock::SteadyTime now)
{
    under_way_ = false;
    status_.error = error;
    if (error.empty()) {
        ++status_.delivered;
        current_.reset();
        return;
    }
    ++status_.failed;
    next_try_ =
        now + std::min<std::chrono::milliseconds>(settings_.retry * (1U << std::min(tries_, 10U)), longest_wait);
    ++tries_;
    if (!settings_.on || wall - current_->raised >= settings_.give_up) {
        status_.given_up += current_->alarms.size();
        current_.reset();
    }
}

std::vector<Alarm> Outbox::undelivered() const
{
    std::vector<Alarm> alarms;
    if (current_)
        alarms = current_->alarms;
    alarms.insert(alarms.end(), waiting_.begin(), waiting_.end());
    return alarms;
}

Outbox::Status Outbox::status() const
{
    Status status = status_;
    status.waiting = waiting_.size() + (current_ ? current_->alarms.size() : 0);
    return status;
}

} // namespace smtpauth
