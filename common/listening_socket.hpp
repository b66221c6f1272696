// A socket that listens: made race-free, with the mode and group asked for, removed at the end. Accepts
// nothing itself; knows no protocol.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "common/file_descriptor.hpp"
#include "common/socket_spec.hpp"

namespace smtpauth {

/// mode and group are for UNIX sockets only.
struct ListenOptions {
    mode_t mode = 0660;
    std::string group; ///< "" keeps the process's own
    int backlog = SOMAXCONN;
    bool operator==(const ListenOptions&) const = default;
};

class ListeningSocket {
public:
    /// Listens, close-on-exec and non-blocking. A UNIX socket is made under another name and renamed
    /// over its own when it listens: the name is never absent, never open to more than mode says, and
    /// a file left by a killed process is replaced.
    /// Changes the process's umask for a moment, so not while other threads make files.
    /// Throws std::runtime_error, with the socket's name and the reason: another process listens
    /// there, the path is not a socket, permissions, unknown group, address in use.
    static ListeningSocket open(const SocketSpec& spec, const ListenOptions& options = {});

    /// Takes a socket that listens already, made by somebody else, who keeps its name: it is not removed.
    static ListeningSocket adopt(FileDescriptor fd, const SocketSpec& spec);

    ListeningSocket(ListeningSocket&& other) noexcept;
    ListeningSocket& operator=(ListeningSocket&& other) noexcept;
    ListeningSocket(const ListeningSocket&) = delete;
    ListeningSocket& operator=(const ListeningSocket&) = delete;

    /// Closes, and removes the path of a UNIX socket if it is still this socket.
    ~ListeningSocket();

    /// Owned by this object.
    int fd() const { return fd_; }
    const SocketSpec& spec() const { return spec_; }

private:
    ListeningSocket(int fd, SocketSpec spec) : fd_(fd), spec_(std::move(spec)) {}
    void close() noexcept;

    int fd_ = -1;
    SocketSpec spec_;
    dev_t device_ = 0; // of the socket file, to know it again
    ino_t inode_ = 0;
};

/// The uid of users that a user namespace does not know: anybody may be behind it, so it is never trusted. Source:
/// user_namespaces(7).
inline constexpr uid_t overflow_uid = 65534;

/// Who connected, as the kernel saw it at connect(): nothing where the socket is no UNIX socket.
std::optional<ucred> peer_credentials(int fd);

/// The groups of who connected to a UNIX socket, as the kernel saw them then; empty where it does not say.
std::vector<gid_t> peer_groups(int fd);

} // namespace smtpauth
