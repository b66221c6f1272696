// Tells the service manager (systemd, or whoever speaks sd_notify(3)) how this daemon is: ready, reloading, stopping,
// alive. Without one, or where it does not listen, nothing happens and nobody is told.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/asio.hpp"
#include "common/file_descriptor.hpp"

namespace smtpauth {

/// Lives on the loop's thread; never blocks.
class ServiceManager {
public:
    /// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no child inherits them, and
    /// shows a sign of life in each half of the watchdog's time while the loop turns. Before there are other threads.
    explicit ServiceManager(asio::io_context& io);

    /// After the start, and after each reload whatever came of it. @param status  one line for people.
    void ready(std::string_view status);
    void reloading();
    void stopping(std::string_view status);

private:
    void send(std::string_view message) const;
    void show_life();

    std::string address_; ///< octets of a sockaddr_un; "" where there is nobody to tell
    FileDescriptor socket_;
    Timer watchdog_;
    std::chrono::microseconds interval_{}; ///< between signs of life; 0: none are wanted
};

} // namespace smtpauth
