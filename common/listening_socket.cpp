#include "common/listening_socket.hpp"

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include "common/ip_address.hpp"

namespace smtpauth {

namespace {

constexpr int socket_flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
constexpr mode_t owner_only = 0177; // as a umask

[[noreturn]] void fail(const SocketSpec& spec, const std::string& reason)
{
    throw std::runtime_error("cannot listen on " + to_string(spec) + ": " + reason);
}

[[noreturn]] void fail_call(const SocketSpec& spec, const char* call)
{
    const int error = errno;
    fail(spec, std::string(call) + ": " + std::generic_category().message(error));
}

sockaddr_un unix_address(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    return address;
}

template <class Address>
const sockaddr* generic(const Address& address)
{
    return reinterpret_cast<const sockaddr*>(&address);
}

/// Refuses a path where another process listens or where something else than a socket lies.
void check_path(const UnixSocketSpec& spec)
{
    struct stat status {};
    if (::lstat(spec.path.c_str(), &status) != 0) {
        if (errno == ENOENT)
            return;
        fail_call(spec, "lstat");
    }
    if (!S_ISSOCK(status.st_mode))
        fail(spec, "the path exists and is not a socket");

    const FileDescriptor probe(::socket(AF_UNIX, socket_flags, 0));
    if (!probe)
        fail_call(spec, "socket");
    const sockaddr_un address = unix_address(spec.path);
    if (::connect(probe.get(), generic(address), sizeof address) == 0 || errno == EAGAIN)
        fail(spec, "another process listens there");
    if (errno != ECONNREFUSED && errno != ENOENT)
        fail_call(spec, "connect to the socket that exists");
}

/// In the same directory and not longer than the path itself, which may be as long as a socket's path can be.
std::string temporary_path(std::string path)
{
    path.back() = path.back() == '~' ? '+' : '~';
    return path;
}

gid_t group_id(const SocketSpec& spec, const std::string& name)
{
    std::vector<char> buffer(std::size_t{64} * 1024);
    group entry{};
    group* found = nullptr;
    if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
        fail(spec, "group \"" + name + "\" does not exist");
    return found->gr_gid;
}

/// The socket file under its temporary name: removed unless it was renamed.
class TemporarySocketFile {
public:
    explicit TemporarySocketFile(std::string path) : path_(std::move(path)) {}
    TemporarySocketFile(const TemporarySocketFile&) = delete;
    TemporarySocketFile& operator=(const TemporarySocketFile&) = delete;
    ~TemporarySocketFile()
    {
        if (!path_.empty())
            ::unlink(path_.c_str());
    }
    const std::string& path() const { return path_; }
    void renamed() { path_.clear(); }

private:
    std::string path_;
};

void bind_private(const UnixSocketSpec& spec, int fd, const std::string& path)
{
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode))
        ::unlink(path.c_str()); // left by a process that was killed right here
    const sockaddr_un address = unix_address(path);
    const mode_t before = ::umask(owner_only);
    const int result = ::bind(fd, generic(address), sizeof address);
    const int error = errno;
    ::umask(before);
    errno = error;
    if (result != 0)
        fail_call(spec, "bind");
}

FileDescriptor listen_tcp(const TcpSocketSpec& spec, int backlog)
{
    FileDescriptor fd(::socket(spec.v6 ? AF_INET6 : AF_INET, socket_flags, 0));
    if (!fd)
        fail_call(spec, "socket");
    const int on = 1;
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        fail_call(spec, "setsockopt SO_REUSEADDR");
    // Without this, [::] would take IPv4 too, and a second listener for it would fail.
    if (spec.v6 && ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        fail_call(spec, "setsockopt IPV6_V6ONLY");

    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(spec.port);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(spec.port);
    void* const address = spec.v6 ? static_cast<void*>(&v6.sin6_addr) : &v4.sin_addr;
    if (::inet_pton(spec.v6 ? AF_INET6 : AF_INET, spec.host.c_str(), address) != 1)
        fail(spec, "not an address");
    const int bound = spec.v6 ? ::bind(fd.get(), generic(v6), sizeof v6) : ::bind(fd.get(), generic(v4), sizeof v4);
    if (bound != 0)
        fail_call(spec, "bind");
    if (::listen(fd.get(), backlog) != 0)
        fail_call(spec, "listen");
    return fd;
}

} // namespace

ListeningSocket ListeningSocket::open(const SocketSpec& spec, const ListenOptions& options)
{
    if (const auto* tcp = std::get_if<TcpSocketSpec>(&spec))
        return {listen_tcp(*tcp, options.backlog).release(), spec};

    const auto& local = std::get<UnixSocketSpec>(spec);
    check_path(local);
    FileDescriptor fd(::socket(AF_UNIX, socket_flags, 0));
    if (!fd)
        fail_call(spec, "socket");
    const std::string temporary = temporary_path(local.path);
    bind_private(local, fd.get(), temporary);
    TemporarySocketFile file(temporary);

    // The group first: from the mode on, its members may connect.
    if (!options.group.empty() &&
        ::chown(temporary.c_str(), static_cast<uid_t>(-1), group_id(spec, options.group)) != 0)
        fail_call(spec, "chown to the group");
    if (::chmod(temporary.c_str(), options.mode) != 0)
        fail_call(spec, "chmod");
    struct stat status {};
    if (::lstat(temporary.c_str(), &status) != 0)
        fail_call(spec, "lstat");
    if (::listen(fd.get(), options.backlog) != 0)
        fail_call(spec, "listen");
    if (::rename(temporary.c_str(), local.path.c_str()) != 0)
        fail_call(spec, "rename");
    file.renamed();

    ListeningSocket result(fd.release(), spec);
    result.device_ = status.st_dev;
    result.inode_ = status.st_ino;
    return result;
}

ListeningSocket ListeningSocket::adopt(FileDescriptor fd, const SocketSpec& spec)
{
    return {fd.release(), spec}; // no inode is known: close() finds no file to be its own
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      spec_(std::move(other.spec_)),
      device_(other.device_),
      inode_(other.inode_)
{
}

ListeningSocket& ListeningSocket::operator=(ListeningSocket&& other) noexcept
{
    if (this != &other) {
        close();
        fd_ = std::exchange(other.fd_, -1);
        spec_ = std::move(other.spec_);
        device_ = other.device_;
        inode_ = other.inode_;
    }
    return *this;
}

ListeningSocket::~ListeningSocket()
{
    close();
}

void ListeningSocket::close() noexcept
{
    if (fd_ < 0)
        return;
    // A successor may have put its own socket here by now.
    struct stat status {};
    const auto* local = std::get_if<UnixSocketSpec>(&spec_);
    if (local != nullptr && ::lstat(local->path.c_str(), &status) == 0 && status.st_dev == device_ &&
        status.st_ino == inode_)
        ::unlink(local->path.c_str());
    ::close(std::exchange(fd_, -1));
}

std::optional<ucred> peer_credentials(int fd)
{
    ucred credentials{};
    socklen_t length = sizeof credentials;
    // A TCP socket answers too, with nobody. The pid tells nothing: it is 0 for a peer in another pid namespace.
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0 ||
        credentials.uid == static_cast<uid_t>(-1))
        return std::nullopt;
    return credentials;
}

std::vector<gid_t> peer_groups(int fd)
{
    const auto peer = peer_credentials(fd);
    if (!peer)
        return {};
    constexpr std::size_t most_groups = 65536; // NGROUPS_MAX
    std::vector<gid_t> groups(most_groups);
    socklen_t size = most_groups * sizeof(gid_t);
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0)
        size = 0;
    groups.resize(size / sizeof(gid_t));
    groups.push_back(peer->gid);
    return groups;
}

} // namespace smtpauth
