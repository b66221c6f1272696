// Listening sockets that the service manager made and hands over (sd_listen_fds(3)): they outlive this process, so that
// a restart refuses no connection. Each is known by the address that it is bound to, not by its place in a list.
#pragma once

#include <string>
#include <vector>

#include "common/file_descriptor.hpp"
#include "common/listening_socket.hpp"
#include "common/socket_spec.hpp"

namespace smtpauth {

class SocketActivation {
public:
    /// Takes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES out of the environment, and the descriptors that they name: none
    /// where they are meant for another process. Before there are other threads.
    /// Throws std::runtime_error where a descriptor is not a stream socket that listens.
    static SocketActivation from_environment();

    /// The socket that was handed over for this address, or else one of our own: ListeningSocket::open(), with its
    /// errors. Mode and group of one that was handed over are its maker's business.
    ListeningSocket open(const SocketSpec& spec, const ListenOptions& options);

    /// After the last open(). Throws std::runtime_error that names what was handed over and no setting asked for: a
    /// socket that nobody accepts from would swallow connections.
    void expect_none_left() const;

private:
    struct Entry {
        FileDescriptor fd;
        SocketSpec spec;
        std::string name; ///< FileDescriptorName= of its unit
    };

    std::vector<Entry> entries_;
};

} // namespace smtpauth
