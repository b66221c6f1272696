#include "tests/tools/socket_filter.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace smtpauth::test {

namespace {

[[noreturn]] void fail(const std::string& what)
{
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;
};

Address address_of(const UnixSocketSpec& spec)
{
    Address address;
    auto& unix_address = reinterpret_cast<sockaddr_un&>(address.storage);
    unix_address.sun_family = AF_UNIX;
    if (spec.path.size() >= sizeof unix_address.sun_path)
        throw std::runtime_error(spec.path + ": too long for a socket");
    spec.path.copy(unix_address.sun_path, spec.path.size());
    address.length = sizeof unix_address;
    return address;
}

Address address_of(const TcpSocketSpec& spec)
{
    Address address;
    if (spec.v6) {
        auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(spec.port);
        ::inet_pton(AF_INET6, spec.host.c_str(), &v6.sin6_addr);
        address.length = sizeof v6;
    } else {
        auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
        v4.sin_family = AF_INET;
        v4.sin_port = htons(spec.port);
        ::inet_pton(AF_INET, spec.host.c_str(), &v4.sin_addr);
        address.length = sizeof v4;
    }
    return address;
}

class SocketConnection final : public Connection {
public:
    SocketConnection(const Address& address, std::chrono::milliseconds patience)
        : fd_(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        if (fd_ < 0)
            fail("socket");
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience);
        const timeval wait{seconds.count(), std::chrono::microseconds(patience - seconds).count()};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
        if (const int on = 1; address.storage.ss_family != AF_UNIX)
            ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0) {
            const int error = errno;
            ::close(fd_);
            errno = error;
            fail("connect");
        }
    }
    ~SocketConnection() override { ::close(fd_); }

    void send(std::string_view bytes) override
    {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
                return; // the filter has closed; what it said before can still be read
            if (sent < 0 && errno != EINTR)
                fail("send");
            bytes.remove_prefix(sent < 0 ? 0 : static_cast<std::size_t>(sent));
        }
    }

    std::optional<std::string> receive() override
    {
        char buffer[16384];
        for (;;) {
            const ssize_t received = ::recv(fd_, buffer, sizeof buffer, 0);
            if (received >= 0)
                return std::string(buffer, static_cast<std::size_t>(received));
            if (errno == ECONNRESET)
                return "";
            if (errno == EAGAIN)
                return std::nullopt;
            if (errno != EINTR)
                fail("recv");
        }
    }

private:
    int fd_;
};

} // namespace

std::unique_ptr<Connection> SocketFilter::connect()
{
    return std::make_unique<SocketConnection>(std::visit([](const auto& spec) { return address_of(spec); }, spec_),
                                              patience_);
}

} // namespace smtpauth::test
