#include "filter/listener.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>

#include <fmt/format.h>

#include "common/ip_address.hpp"
#include "common/log.hpp"

namespace smtpauth {

namespace {

/// How long a listener waits when the process can open no more descriptors: trying at once would spin.
constexpr std::chrono::milliseconds out_of_descriptors_pause{100};

/// At most one line in the log for this long while connections cannot be taken.
constexpr std::chrono::seconds complaint_interval{10};

} // namespace

Listener::Listener(asio::io_context& io, ListeningSocket socket, const Site& site, ConnectionSet& connections)
    : io_(io),
      site_(site),
      connections_(connections),
      socket_(std::move(socket)),
      acceptor_(io, ::fcntl(socket_->fd(), F_DUPFD_CLOEXEC, 0)),
      pause_(io),
      size_source_(site.config->message_size)
{
    asio::co_spawn(io_, accept(), [this](const std::exception_ptr& failure) {
        if (failure)
            log::error("listener {}: stopped by an unexpected error", to_string(socket_->spec()));
    });
}

void Listener::stop()
{
    acceptor_.close();
    pause_.cancel();
    socket_.reset();
}

Task<void> Listener::accept()
{
    while (socket_) {
        const auto [error] = co_await acceptor_.async_wait(Descriptor::wait_read, asio::as_tuple(use_task));
        if (error)
            co_return;
        // Asio 1.81 sets no close-on-exec on what it accepts, so accept here, until the backlog is empty.
        for (;;) {
            const int fd = ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd >= 0) {
                if (!take(fd))
                    ::close(fd);
                continue;
            }
            if (errno == EAGAIN)
                break;
            if (errno == ECONNABORTED || errno == EINTR)
                continue;
            complain(fmt::format("cannot accept: {}", std::strerror(errno)));
            pause_.expires_after(out_of_descriptors_pause);
            co_await pause_.async_wait(asio::as_tuple(use_task));
            break;
        }
    }
}

/// False: the connection is refused, and the descriptor still the caller's.
bool Listener::take(int fd)
{
    if (!allowed(fd)) {
        complain(peer_name(fd) + " may not connect (setting filter.allow)");
        return false;
    }
    if (connections_.size() >= site_.config->max_connections) {
        complain(fmt::format("{} connections are open, all that max_connections allows; more are closed",
                             connections_.size()));
        return false;
    }

    const bool tcp = std::holds_alternative<TcpSocketSpec>(socket_->spec());
    if (const int on = 1; tcp) // an answer must not wait for the acknowledgement of the last one
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const int family = tcp ? (std::get<TcpSocketSpec>(socket_->spec()).v6 ? AF_INET6 : AF_INET) : AF_UNIX;
    connections_.add(StreamSocket(io_, asio::generic::stream_protocol(family, 0), fd), size_source_, peer_name(fd));
    return true;
}

/// What happens to connections may happen to thousands of them a second.
void Listener::complain(const std::string& problem)
{
    const auto now = site_.clock.steady_now();
    if (complaints_++ > 0 && now - complained_ < complaint_interval)
        return;
    log::error("listener {}: {}{}", to_string(socket_->spec()), problem,
               complaints_ > 1 ? fmt::format(" ({} such complaints so far)", complaints_) : "");
    complained_ = now;
}

bool Listener::allowed(int fd) const
{
    if (!std::holds_alternative<TcpSocketSpec>(socket_->spec()))
        return true; // the mode and group of the socket decide
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
        return false;
    const auto peer = IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&address), length);
    const auto& networks = site_.config->allow;
    return peer && std::any_of(networks.begin(), networks.end(),
                               [&](const IpNetwork& network) { return network.contains(*peer); });
}

/// Who connected, for the log: an address and port, or a UNIX socket's process.
std::string Listener::peer_name(int fd) const
{
    if (std::holds_alternative<UnixSocketSpec>(socket_->spec())) {
        const auto peer = peer_credentials(fd);
        return peer ? fmt::format("pid {} uid {}", peer->pid, peer->uid) : "unix";
    }
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0)
        return "unknown";
    const auto ip = IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&address), length);
    const in_port_t port = address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                                         : reinterpret_cast<const sockaddr_in&>(address).sin_port;
    return ip ? fmt::format("{} port {}", ip->to_string(), ntohs(port)) : "unknown";
}

} // namespace smtpauth
