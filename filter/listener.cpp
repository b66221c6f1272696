#include "filter/listener.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/ip_address.hpp"

namespace smtpauth {

Listener::Listener(asio::io_context& io, ListeningSocket socket, const Site& site, ConnectionSet& connections)
    : site_(site),
      connections_(connections),
      socket_(std::move(socket)),
      name_("listener " + to_string(socket_->spec())),
      size_source_(site.config->message_size),
      acceptor_(io, socket_->fd(), name_, [this](FileDescriptor fd) { take(std::move(fd)); })
{
}

void Listener::stop()
{
    acceptor_.stop();
    socket_.reset();
}

void Listener::take(FileDescriptor fd)
{
    if (!allowed(fd.get()))
        return refuse(Closed::not_allowed, peer_name(fd.get()) + " may not connect (setting filter.allow)");
    if (connections_.size() >= site_.config->max_connections)
        return refuse(Closed::too_many,
                      fmt::format("{} connections are open, all that max_connections allows", connections_.size()));

    const bool tcp = std::holds_alternative<TcpSocketSpec>(socket_->spec());
    if (const int on = 1; tcp) // an answer must not wait for the acknowledgement of the last one
        ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::string peer = peer_name(fd.get());
    connections_.add(std::move(fd), size_source_, std::move(peer));
}

/// An MTA takes the end of a connection before its negotiation as the absence of this filter, at once.
void Listener::refuse(Closed why, const std::string& problem)
{
    connections_.closed().add(why, site_.clock.steady_now(), name_ + ": " + problem);
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
