#include "common/acceptor.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace smtpauth {

namespace {

/// After accept() failed for want of descriptors or memory: trying at once would spin.
constexpr std::chrono::milliseconds pause_after_failure{100};

int duplicate(int fd)
{
    const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        throw std::system_error(errno, std::generic_category(), "cannot watch a listening socket");
    return copy;
}

} // namespace

Acceptor::Acceptor(asio::io_context& io, int listening, std::string name, Take take)
    : socket_(io, duplicate(listening)),
      pause_(io),
      name_(std::move(name)),
      take_(std::move(take))
{
    wait();
}

void Acceptor::stop()
{
    socket_.close();
    pause_.cancel();
}

void Acceptor::wait()
{
    socket_.async_wait(Descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (!error)
            accept_all();
    });
}

/// Asio 1.81 would set no close-on-exec on what it accepts.
void Acceptor::accept_all()
{
    while (socket_.is_open()) {
        FileDescriptor fd(::accept4(socket_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd)
            take_(std::move(fd));
        else if (errno == EAGAIN)
            return wait();
        else if (errno != EINTR && errno != ECONNABORTED)
            return try_later(errno);
    }
}

void Acceptor::try_later(int failure)
{
    complaints_.error(Timer::clock_type::now(),
                      fmt::format("{}: cannot accept: {}", name_, std::generic_category().message(failure)));
    pause_.expires_after(pause_after_failure);
    pause_.async_wait([this](const boost::system::error_code& error) {
        if (!error)
            wait();
    });
}

} // namespace smtpauth
