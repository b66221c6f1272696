// The thread that writes the logs, because writing and syncing block and the receiver's loop must not. A plain
// thread without Asio: it takes one batch at a time, and says when the batch is safe.
//
// A disk that is full is no reason to end: the batch is tried again each second and stays unacknowledged, the
// receiver's memory fills up to its bound, and the filters keep what they have.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "collector/batch.hpp"
#include "collector/stats_log/record_logs.hpp"

namespace smtpauth {

class LogWorker {
public:
    /// Called on the worker's thread; gets the batch back, committed.
    using Committed = std::function<void(Batch)>;

    /// Starts the thread. @param logs  used by nobody else until the destructor is done.
    LogWorker(RecordLogs& logs, Committed committed);
    LogWorker(const LogWorker&) = delete;
    LogWorker& operator=(const LogWorker&) = delete;
    /// Tries a batch that is under way once more, then gives it up uncommitted: its records come again.
    ~LogWorker();

    /// Hands a batch over. Only one may be under way: wait for Committed. Any thread.
    void submit(Batch batch);

    /// Has the files opened again by their names, soon. Any thread.
    void reopen();

    struct Status {
        RecordLogs::Counters stats;
        RecordLogs::Counters rejects;
        bool writing = false; ///< a batch is under way
        std::string problem;  ///< why it is not written yet; "" while all is well
    };
    /// Any thread.
    Status status() const;

    /// Settings for the batches that follow. Any thread.
    void set(const RecordLogs::Settings& settings);

private:
    void run();
    void take_orders(std::unique_lock<std::mutex>& lock);
    bool commit(std::unique_lock<std::mutex>& lock);

    RecordLogs& logs_;
    Committed committed_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Batch> batch_; ///< guarded by mutex_, as are the next four
    std::optional<RecordLogs::Settings> settings_;
    bool reopen_ = false;
    bool stop_ = false;
    Status status_;

    std::thread thread_; ///< last: it uses all of the above
};

} // namespace smtpauth
