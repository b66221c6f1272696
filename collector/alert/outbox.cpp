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
    aside_.clear();
    status_.error.clear();
}

void Outbox::add(const Alarm& alarm)
{
    if (!settings_.on)
        return;
    waiting_.push_back(alarm);
    while (waiting_.size() > settings_.max_waiting)
        make_room();
}

/// A closing note tells least: that something is over.
void Outbox::make_room()
{
    const auto note = std::find_if(waiting_.begin(), waiting_.end(),
                                   [](const Alarm& alarm) { return alarm.event == Alarm::Event::closed; });
    waiting_.erase(note != waiting_.end() ? note : waiting_.begin());
    ++status_.given_up;
}

std::optional<Outbox::Delivery> Outbox::begin(Clock::SteadyTime now)
{
    if (current_ || now < away_until_)
        return std::nullopt;
    // By turns, so that notices on which a server spends its time do not take all of ours.
    if (!(waiting_first_ && take_waiting(now)) && !take_aside(now) && !take_waiting(now))
        return std::nullopt;
    return current_->delivery;
}

bool Outbox::take_waiting(Clock::SteadyTime now)
{
    if (waiting_.empty() || !may_begin_another(now))
        return false;
    // One by one only where all of them may go now.
    const bool single = waiting_.size() <= max_single &&
                        (settings_.per_hour == 0 || allowance_ + 1 >= static_cast<double>(waiting_.size()));
    const auto count = static_cast<std::ptrdiff_t>(single ? 1 : std::min(waiting_.size(), max_in_notice));
    Tried first;
    first.delivery.notice = {waiting_.front().told, {waiting_.begin(), waiting_.begin() + count}};
    current_ = std::move(first);
    waiting_.erase(waiting_.begin(), waiting_.begin() + count);
    waiting_first_ = false;
    return true;
}

bool Outbox::take_aside(Clock::SteadyTime now)
{
    const auto next = std::min_element(aside_.begin(), aside_.end(),
                                       [](const Tried& a, const Tried& b) { return a.next_try < b.next_try; });
    if (next == aside_.end() || now < next->next_try)
        return false;
    current_ = std::move(*next);
    aside_.erase(next);
    waiting_first_ = true;
    return true;
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

std::chrono::milliseconds Outbox::wait_after(unsigned tries) const
{
    return std::min<std::chrono::milliseconds>(settings_.retry * (1U << std::min(tries, 10U)), longest_wait);
}

std::size_t Outbox::finish(Outcome outcome, Clock::WallTime wall, Clock::SteadyTime now)
{
    Tried tried = *std::exchange(current_, std::nullopt);
    status_.error = outcome.error;
    if (outcome.kind == Outcome::Kind::delivered) {
        ++status_.delivered;
        away_tries_ = 0;
        return 0;
    }
    ++status_.failed;
    const bool has_room = aside_.size() < max_aside;
    if (outcome.kind == Outcome::Kind::unreachable || !has_room) {
        away_until_ = tried.next_try = now + wait_after(away_tries_++);
        waiting_first_ = false;
    } else {
        away_tries_ = 0;
        tried.next_try = now + wait_after(tried.tries++);
    }
    if (outcome.kind == Outcome::Kind::notice_refused) {
        ++tried.refusals;
        tried.delivery.was_refused = true;
    }
    tried.delivery.left_to = std::move(outcome.left_to);
    tried.error = std::move(outcome.error);

    const std::size_t given_up = give_up(tried, wall);
    const auto& alarms = tried.delivery.notice.alarms;
    if (!has_room)
        waiting_.insert(waiting_.begin(), alarms.begin(), alarms.end());
    else if (!alarms.empty())
        aside_.push_back(std::move(tried));
    return given_up;
}

/// Of a notice what is too old, each alarm by itself; or all of it.
std::size_t Outbox::give_up(Tried& tried, Clock::WallTime wall)
{
    const bool all = !settings_.on || tried.refusals >= max_refusals;
    const std::size_t count = std::erase_if(tried.delivery.notice.alarms, [&](const Alarm& alarm) {
        return all || wall - alarm.told >= settings_.give_up;
    });
    status_.given_up += count;
    return count;
}

std::vector<Alarm> Outbox::undelivered() const
{
    std::vector<Alarm> alarms;
    const auto add = [&](const Tried& tried) {
        const auto& some = tried.delivery.notice.alarms;
        alarms.insert(alarms.end(), some.begin(), some.end());
    };
    if (current_)
        add(*current_);
    std::for_each(aside_.begin(), aside_.end(), add);
    alarms.insert(alarms.end(), waiting_.begin(), waiting_.end());
    return alarms;
}

Outbox::Status Outbox::status() const
{
    Status status = status_;
    status.waiting = waiting_.size() + (current_ ? current_->delivery.notice.alarms.size() : 0);
    for (const Tried& tried : aside_)
        status.waiting += tried.delivery.notice.alarms.size();
    if (!aside_.empty())
        status.error = aside_.back().error;
    return status;
}

} // namespace smtpauth
