#include "collector/stats_log/retention_worker.hpp"

#include <sys/resource.h>

#include <utility>

namespace smtpauth {

namespace {

constexpr std::chrono::minutes look_every(1);
constexpr int lowest_priority = 19;

} // namespace

RetentionWorker::RetentionWorker(Retention& retention) : retention_(retention), thread_([this] { run(); }) {}

RetentionWorker::~RetentionWorker()
{
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void RetentionWorker::set(const Retention::Settings& settings)
{
    const std::lock_guard lock(mutex_);
    settings_ = settings;
}

void RetentionWorker::run()
{
    // Of this thread alone: Linux keeps a priority for each. Source: setpriority(2), NOTES.
    ::setpriority(PRIO_PROCESS, 0, lowest_priority);
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, look_every, [this] { return stop_.load(); })) {
        if (settings_)
            retention_.set(*std::exchange(settings_, std::nullopt));
        lock.unlock();
        retention_.look([this] { return stop_.load(); });
        lock.lock();
    }
}

} // namespace smtpauth
