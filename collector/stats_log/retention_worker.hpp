// The thread of the retention, at the lowest priority: nothing waits for it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "collector/stats_log/retention.hpp"

namespace smtpauth {

class RetentionWorker {
public:
    /// Starts the thread. @param retention  used by nobody else until the destructor is done.
    explicit RetentionWorker(Retention& retention);
    RetentionWorker(const RetentionWorker&) = delete;
    RetentionWorker& operator=(const RetentionWorker&) = delete;
    /// What is being compressed stays plain.
    ~RetentionWorker();

    /// Settings from the next look on. Any thread.
    void set(const Retention::Settings& settings);

private:
    void run();

    Retention& retention_;
    std::atomic<bool> stop_ = false;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Retention::Settings> settings_; ///< guarded by mutex_
    std::thread thread_;                          ///< last: it uses all of the above
};

} // namespace smtpauth
