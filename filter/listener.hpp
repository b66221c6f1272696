// Accepts MTA connections of one socket and hands them to the loop's connections. Loop's thread only.
#pragma once

#include <optional>
#include <string>

#include "common/acceptor.hpp"
#include "common/asio.hpp"
#include "common/listening_socket.hpp"
#include "filter/connection_set.hpp"
#include "filter/profile.hpp"
#include "filter/site.hpp"

namespace smtpauth {

class Listener {
public:
    /// All references outlive the listener; the listener outlives io.run().
    Listener(asio::io_context& io, ListeningSocket socket, const Site& site, ConnectionSet& connections);

    /// Accepts no more and removes the socket.
    void stop();

private:
    void take(FileDescriptor fd);
    void refuse(Closed why, const std::string& problem);
    std::string peer_name(int fd) const;
    bool allowed(int fd) const;

    const Site& site_;
    ConnectionSet& connections_;
    std::optional<ListeningSocket> socket_;
    std::string name_; ///< for the log
    SizeSource size_source_;
    Acceptor acceptor_;
};

} // namespace smtpauth
