// Plain sockets for the other end of a test: blocking nobody, throwing where something is wrong.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "common/file_descriptor.hpp"

namespace smtpauth::test {

inline sockaddr_un unix_address(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw std::runtime_error("path too long: " + path);
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

inline FileDescriptor connect_to(const std::string& path)
{
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto address = unix_address(path);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("connect " + path + ": " + std::strerror(errno));
    return socket;
}

/// Both ends of a connection.
inline std::pair<FileDescriptor, FileDescriptor> connected_pair()
{
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        throw std::runtime_error(std::string("socketpair: ") + std::strerror(errno));
    return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

/// Sends what the socket takes now. @return  how much that was.
inline std::size_t send_some(const FileDescriptor& socket, std::string_view bytes)
{
    const ssize_t sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

/// Appends what is there. @return  false at the end of the stream.
inline bool receive_some(const FileDescriptor& socket, std::string& bytes)
{
    char buffer[65536];
    const ssize_t count = ::recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (count > 0)
        bytes.append(buffer, static_cast<std::size_t>(count));
    return count > 0 || (count < 0 && errno == EAGAIN);
}

} // namespace smtpauth::test
