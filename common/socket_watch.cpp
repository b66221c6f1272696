#include "common/socket_watch.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

namespace smtpauth {

namespace {

int make_epoll()
{
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        throw std::system_error(errno, std::generic_category(), "cannot watch connections");
    return fd;
}

/// Neither waits any longer for what these name.
constexpr std::uint32_t ends_both = EPOLLHUP | EPOLLERR;
constexpr std::uint32_t ends_reading = ends_both | EPOLLRDHUP;

std::uint32_t ends(WatchedSocket::For what)
{
    return what == WatchedSocket::For::write ? ends_both : ends_reading;
}

/// Edge-triggered: told once of what comes.
std::uint32_t interest_in(WatchedSocket::For what)
{
    return EPOLLIN | EPOLLRDHUP | EPOLLET | (what == WatchedSocket::For::write ? EPOLLOUT : 0U);
}

} // namespace

SocketWatch::SocketWatch(asio::io_context& io, Turns turns)
    : turns_(std::move(turns)),
      epoll_(io, make_epoll()),
      events_()
{
    wait();
}

void SocketWatch::wait()
{
    epoll_.async_wait(Descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (error)
            return;
        deliver();
        turns_.end();
        wait();
    });
}

/// Looks again as long as more has come meanwhile: that is one call, and waiting anew is three.
void SocketWatch::deliver()
{
    for (std::size_t left = max_events; left != 0; left -= end_) {
        const int count = ::epoll_wait(epoll_.native_handle(), events_.data(), static_cast<int>(left), 0);
        if (count <= 0)
            return;
        end_ = static_cast<std::size_t>(count);
        for (next_ = 0; next_ < end_;) {
            const epoll_event& event = events_[next_++];
            if (auto* socket = static_cast<WatchedSocket*>(event.data.ptr))
                socket->on_events(event.events);
            turns_.between();
        }
    }
}

WatchedSocket::WatchedSocket(SocketWatch& watch, FileDescriptor fd) : watch_(watch), fd_(std::move(fd))
{
    epoll_event event{.events = interest_in(what_), .data = {.ptr = this}};
    if (::epoll_ctl(watch_.epoll_.native_handle(), EPOLL_CTL_ADD, fd_.get(), &event) != 0)
        throw std::system_error(errno, std::generic_category(), "cannot watch a connection");
}

/// What was fetched together with the event that ends it must not be delivered any more.
WatchedSocket::~WatchedSocket()
{
    for (std::size_t at = watch_.next_; at < watch_.end_; ++at)
        if (watch_.events_[at].data.ptr == this)
            watch_.events_[at].data.ptr = nullptr;
}

bool WatchedSocket::must_wait(For what)
{
    if (what != what_) {
        what_ = what;
        epoll_event event{.events = interest_in(what), .data = {.ptr = this}};
        ::epoll_ctl(watch_.epoll_.native_handle(), EPOLL_CTL_MOD, fd_.get(), &event); // tells of what is there already
    }
    return !std::exchange(ready_, false) && (ended_ & ends(what)) == 0;
}

void WatchedSocket::wake()
{
    ready_ = !handler_;
    if (handler_) {
        auto handler = std::move(*handler_);
        handler_.reset();
        std::move(handler)(); // may end this socket
    }
}

void WatchedSocket::on_events(std::uint32_t events)
{
    ended_ |= events & ends_reading;
    if (what_ == For::read || (events & (EPOLLOUT | ends_both)) != 0)
        wake();
    else
        ready_ = true;
}

} // namespace smtpauth
