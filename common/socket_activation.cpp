#include "common/socket_activation.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "common/environment.hpp"
#include "common/escape.hpp"
#include "common/ip_address.hpp"

namespace smtpauth {

namespace {

constexpr int first_descriptor = 3; // SD_LISTEN_FDS_START
constexpr unsigned most_descriptors = 1024;

/// Up to the next colon, which goes too.
std::string take_name(std::string_view& names)
{
    const std::size_t end = std::min(names.find(':'), names.size());
    std::string name = escape_controls(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
    return name;
}

/// What the socket is bound to, as a setting would name it; nothing for what no setting can name.
std::optional<SocketSpec> bound_to(int fd)
{
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    const auto* const address = reinterpret_cast<const sockaddr*>(&storage);
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0)
        return std::nullopt;
    if (storage.ss_family == AF_UNIX) {
        const char* const path = reinterpret_cast<const sockaddr_un&>(storage).sun_path;
        if (size <= offsetof(sockaddr_un, sun_path) || path[0] != '/')
            return std::nullopt;
        const std::size_t longest = size - offsetof(sockaddr_un, sun_path);
        return UnixSocketSpec{std::string(path, ::strnlen(path, longest))};
    }
    const auto ip = IpAddress::from_sockaddr(address, size);
    if (!ip)
        return std::nullopt;
    const bool v6 = storage.ss_family == AF_INET6;
    const in_port_t port = v6 ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                              : reinterpret_cast<const sockaddr_in&>(storage).sin_port;
    return TcpSocketSpec{ip->to_string(), ntohs(port), v6};
}

int option(int fd, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

/// A path may be written in several ways, such as /var/run and /run.
bool same(const SocketSpec& bound, const SocketSpec& configured)
{
    if (bound == configured)
        return true;
    const auto* const path = std::get_if<UnixSocketSpec>(&bound);
    const auto* const wanted = std::get_if<UnixSocketSpec>(&configured);
    struct stat one {};
    struct stat other {};
    return path != nullptr && wanted != nullptr && ::stat(path->path.c_str(), &one) == 0 &&
           ::stat(wanted->path.c_str(), &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

} // namespace

SocketActivation SocketActivation::from_environment()
{
    const std::string pid = take_variable("LISTEN_PID");
    const std::string count_text = take_variable("LISTEN_FDS");
    const std::string all_names = take_variable("LISTEN_FDNAMES");
    SocketActivation result;
    if (pid != std::to_string(::getpid()))
        return result;

    unsigned count = 0;
    const auto [end, error] = std::from_chars(count_text.data(), count_text.data() + count_text.size(), count);
    if (error != std::errc() || end != count_text.data() + count_text.size() || count > most_descriptors)
        throw std::runtime_error("LISTEN_FDS is \"" + escape_controls(count_text) + "\", expected a number of sockets");

    std::string_view names = all_names;
    for (int fd = first_descriptor; fd < first_descriptor + static_cast<int>(count); ++fd) {
        std::string name = take_name(names);
        const std::string which =
            fmt::format("descriptor {} (\"{}\"), handed over by the service manager, is ", fd, name);
        if (option(fd, SO_TYPE) != SOCK_STREAM || option(fd, SO_ACCEPTCONN) != 1)
            throw std::runtime_error(which +
                                     "no stream socket that listens: its unit needs ListenStream= and Accept=no");
        auto spec = bound_to(fd);
        if (!spec)
            throw std::runtime_error(which + "bound to an address that no setting can name");
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
        result.entries_.push_back({FileDescriptor(fd), std::move(*spec), std::move(name)});
    }
    return result;
}

ListeningSocket SocketActivation::open(const SocketSpec& spec, const ListenOptions& options)
{
    const auto found =
        std::find_if(entries_.begin(), entries_.end(), [&spec](const Entry& entry) { return same(entry.spec, spec); });
    if (found == entries_.end())
        return ListeningSocket::open(spec, options);
    FileDescriptor fd = std::move(found->fd);
    entries_.erase(found);
    return ListeningSocket::adopt(std::move(fd), spec);
}

void SocketActivation::expect_none_left() const
{
    if (entries_.empty())
        return;
    std::string left;
    for (const Entry& entry : entries_)
        left += fmt::format("{}{} (\"{}\")", left.empty() ? "" : ", ", to_string(entry.spec), entry.name);
    throw std::runtime_error("the service manager handed over sockets that no setting names: " + left);
}

} // namespace smtpauth
