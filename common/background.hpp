// A thread for what takes longer than mail may wait, such as reading a very long file.
#pragma once

#include <thread>
#include <utility>

#include "common/asio.hpp"

namespace smtpauth {

/// Loop's thread, but for the work itself.
class Background {
public:
    /// @param loop  outlives this object, and has ended before it does.
    explicit Background(asio::io_context& loop) : loop_(loop), thread_([this] { work_.run(); }) {}
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;
    /// Waits for the work that is being done; what is not begun is dropped.
    ~Background()
    {
        work_.stop();
        thread_.join();
    }

    /// @param work  runs on the thread, one after the other; must not throw.
    /// @param done  takes its result, on the loop, unless that ends before.
    template <class Work, class Done>
    void run(Work work, Done done)
    {
        asio::post(work_, [this, work = std::move(work), done = std::move(done)]() mutable {
            asio::post(loop_, [done = std::move(done), result = work()]() mutable { done(std::move(result)); });
        });
    }

private:
    asio::io_context& loop_;
    asio::io_context work_{1};
    asio::executor_work_guard<LoopExecutor> more_to_come_{work_.get_executor()};
    std::thread thread_; ///< last: it uses the above
};

} // namespace smtpauth
