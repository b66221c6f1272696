#include "collector/stats_log/log_worker.hpp"

#include <cassert>
#include <utility>

#include "common/log.hpp"

namespace smtpauth {

namespace {

constexpr std::chrono::seconds retry_after(1);

/// How long after midnight, at most, a log without traffic is rotated.
constexpr std::chrono::seconds rotation_check(30);

} // namespace

LogWorker::LogWorker(RecordLogs& logs, Committed committed)
    : logs_(logs),
      committed_(std::move(committed)),
      thread_([this] { run(); })
{
}

LogWorker::~LogWorker()
{
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void LogWorker::submit(Batch batch)
{
    {
        const std::lock_guard lock(mutex_);
        assert(!batch_);
        batch_ = std::move(batch);
    }
    changed_.notify_one();
}

void LogWorker::reopen()
{
    {
        const std::lock_guard lock(mutex_);
        reopen_ = true;
    }
    changed_.notify_one();
}

void LogWorker::set(const RecordLogs::Settings& settings)
{
    const std::lock_guard lock(mutex_);
    settings_ = settings;
}

LogWorker::Status LogWorker::status() const
{
    const std::lock_guard lock(mutex_);
    return status_;
}

void LogWorker::run()
{
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait_for(lock, rotation_check, [this] { return batch_ || reopen_ || stop_; });
        take_orders(lock);
        if (batch_) {
            Batch batch = *std::exchange(batch_, std::nullopt);
            status_.writing = true;
            // Not with the other orders: they may have come, with this batch, while those were carried out.
            if (settings_)
                logs_.set(*std::exchange(settings_, std::nullopt));
            lock.unlock();
            logs_.add(batch);
            lock.lock();
            if (commit(lock)) {
                status_ = {logs_.stats_counters(), logs_.rejects_counters(), false, {}};
                lock.unlock();
                committed_(std::move(batch));
                lock.lock();
            }
        } else if (stop_) {
            lock.unlock();
            if (const auto error = logs_.save_state())
                log::error("{}", *error);
            return;
        }
    }
}

/// Does what others asked for; with nothing asked, looks after the files.
void LogWorker::take_orders(std::unique_lock<std::mutex>& lock)
{
    const bool reopen = std::exchange(reopen_, false);
    lock.unlock();
    if (reopen)
        logs_.reopen();
    if (const auto error = logs_.open())
        log::error("{}", *error);
    lock.lock();
}

/// Until it works, or the process stops. @return  whether it worked.
bool LogWorker::commit(std::unique_lock<std::mutex>& lock)
{
    bool failed = false;
    while (true) {
        lock.unlock();
        const auto error = logs_.commit();
        lock.lock();
        if (!error) {
            if (failed)
                log::info("the logs can be written again");
            return true;
        }
        status_.problem = *error;
        if (!std::exchange(failed, true))
            log::error("{}; nothing is acknowledged until this works, next try each second", *error);
        changed_.wait_for(lock, retry_after, [this] { return reopen_ || stop_; });
        if (stop_)
            return false;
        if (std::exchange(reopen_, false)) {
            lock.unlock();
            logs_.reopen();
            lock.lock();
        }
    }
}

} // namespace smtpauth
