// The control socket of a daemon: reads one request from each connection and writes its answer. Moves lines;
// what they mean, and who may have what done, control.hpp knows.
//
// Bounded: connections, octets of a request, and the time of a connection from its start to its end; what a peer has
// not read by then is dropped. Never blocks.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "common/acceptor.hpp"
#include "common/asio.hpp"
#include "common/control.hpp"
#include "common/listening_socket.hpp"

namespace smtpauth {

/// Lives on the loop's thread; outlives the loop's last turn.
class ControlServer {
public:
    struct Limits {
        std::size_t connections = 16; ///< the last quarter is for administrators: nobody else can lock them out
        std::chrono::milliseconds timeout = std::chrono::seconds(5);
    };

    /// Serves from now on. @param socket  a UNIX socket.
    ControlServer(asio::io_context& io, ListeningSocket socket, ControlCommands commands, Limits limits);
    ControlServer(asio::io_context& io, ListeningSocket socket, ControlCommands commands)
        : ControlServer(io, std::move(socket), std::move(commands), Limits())
    {
    }
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    /// How its socket is to be opened: everybody may connect, for everybody may look.
    static ListenOptions listen_options() { return {.mode = 0666, .group = {}, .backlog = SOMAXCONN}; }

private:
    struct Connection;

    bool has_place_for(const ControlPeer& peer) const;
    void admit(FileDescriptor fd);
    Task<void> serve(std::shared_ptr<Connection> connection);

    asio::io_context& io_;
    ListeningSocket listening_;
    ControlCommands commands_;
    Limits limits_;
    std::size_t open_ = 0; ///< connections
    Acceptor acceptor_;
};

} // namespace smtpauth
