// Accepts what connects to a listening socket, and hands it on. Knows no protocol.
#pragma once

#include <functional>
#include <string>

#include "common/asio.hpp"
#include "common/complaints.hpp"
#include "common/file_descriptor.hpp"

namespace smtpauth {

/// Lives on the loop's thread; outlives the loop's last turn.
class Acceptor {
public:
    /// Owns from here on what connected: non-blocking, close-on-exec.
    using Take = std::function<void(FileDescriptor)>;

    /// Accepts from now on.
    /// @param listening  stays the caller's, who may close it at any time after.
    /// @param name       of the socket, for the log.
    /// Throws std::system_error where no more descriptors can be had.
    Acceptor(asio::io_context& io, int listening, std::string name, Take take);

    /// Accepts no more.
    void stop();

private:
    void wait();
    void accept_all();
    void try_later(int failure);

    Descriptor socket_; ///< a duplicate: the loop watches it for as long as it likes
    Timer pause_;
    std::string name_;
    Take take_;
    Complaints complaints_;
};

} // namespace smtpauth
