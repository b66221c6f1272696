// Tells coroutines when their sockets can be read or written. A socket is registered with the kernel once for its life:
// Asio's own wait registers anew each time, and that is a fifth of all that a message costs
// (docs/decisions/0017-one-registration-a-socket.md). Loop's thread only.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "common/asio.hpp"
#include "common/file_descriptor.hpp"

namespace smtpauth {

class WatchedSocket;

class SocketWatch {
public:
    /// What else is to be done when sockets have their turn. Both may end sockets.
    struct Turns {
        std::function<void()> between; ///< after each event: cheap, and too urgent for the end of the turn
        std::function<void()> end;     ///< after the last: better done once for all of them
    };

    /// @param io  outlives the watch, which outlives io.run().
    /// @throws std::system_error  where the kernel has no room.
    explicit SocketWatch(asio::io_context& io, Turns turns = {[] {}, [] {}});
    SocketWatch(const SocketWatch&) = delete;
    SocketWatch& operator=(const SocketWatch&) = delete;

private:
    friend class WatchedSocket;

    /// Others of the loop have their turn after so many.
    static constexpr std::size_t max_events = 128;

    void wait();
    void deliver();

    Turns turns_;
    Descriptor epoll_;
    std::array<epoll_event, max_events> events_; ///< from next_ to end_: still to be delivered
    std::size_t next_ = 0;
    std::size_t end_ = 0;
};

/// A socket that one coroutine waits for:
///
///     if (socket.must_wait(WatchedSocket::For::read))
///         co_await socket.ready();
///
/// Waiting allocates nothing. It may end for no reason; the next read then says EAGAIN.
class WatchedSocket {
public:
    enum class For { read, write };

    /// @param fd  non-blocking. @throws std::system_error  where the kernel has no room.
    WatchedSocket(SocketWatch& watch, FileDescriptor fd);
    ~WatchedSocket();
    WatchedSocket(const WatchedSocket&) = delete;
    WatchedSocket& operator=(const WatchedSocket&) = delete;

    int fd() const { return fd_.get(); }

    /// To be asked where a read or write has found that there is no more, or a read has filled less than its buffer:
    /// what was left unread is not told of again.
    bool must_wait(For what);

    /// To be awaited right after must_wait() said so.
    auto ready()
    {
        return asio::async_initiate<const asio::use_awaitable_t<LoopExecutor>, void()>(
            [this](auto handler) { handler_.emplace(std::move(handler)); }, use_task);
    }

    /// Ends the wait that is under way, or else the next.
    void wake();

private:
    friend class SocketWatch;

    using Handler = asio::async_result<asio::use_awaitable_t<LoopExecutor>, void()>::handler_type;

    void on_events(std::uint32_t events);

    SocketWatch& watch_;
    FileDescriptor fd_;
    For what_ = For::read;
    bool ready_ = false;             ///< something came while nobody waited
    std::uint32_t ended_ = 0;        ///< EPOLLRDHUP and its like, told of once and true for good
    std::optional<Handler> handler_; ///< of the coroutine that waits
};

} // namespace smtpauth
