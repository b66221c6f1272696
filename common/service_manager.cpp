#include "common/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>

#include <fmt/format.h>

#include "common/environment.hpp"
#include "common/escape.hpp"

namespace smtpauth {

namespace {

/// 0 where the text is no number.
std::uint64_t to_number(std::string_view text)
{
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

/// "" where the name is none that can be written to. A leading @ means the abstract name space.
std::string to_address(std::string name)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (name.size() < 2 || name.size() >= sizeof address.sun_path || (name[0] != '/' && name[0] != '@'))
        return {};
    if (name[0] == '@')
        name[0] = '\0';
    std::memcpy(address.sun_path, name.data(), name.size());
    // An abstract name ends where the address does; a path is shut by the zeros behind it.
    const std::size_t size = offsetof(sockaddr_un, sun_path) + name.size() + (name[0] == '\0' ? 0 : 1);
    return {reinterpret_cast<const char*>(&address), size};
}

} // namespace

ServiceManager::ServiceManager(asio::io_context& io)
    : address_(to_address(take_variable("NOTIFY_SOCKET"))),
      watchdog_(io)
{
    if (!address_.empty())
        socket_ = FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const std::string watched = take_variable("WATCHDOG_PID");
    const std::chrono::microseconds patience(to_number(take_variable("WATCHDOG_USEC")));
    if (!socket_ || (!watched.empty() && watched != std::to_string(::getpid())))
        return;
    interval_ = patience / 2;
    if (interval_.count() > 0)
        show_life();
}

void ServiceManager::ready(std::string_view status)
{
    send(fmt::format("READY=1\nSTATUS={}", escape_controls(status)));
}

void ServiceManager::reloading()
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const auto time = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
    send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                     std::chrono::duration_cast<std::chrono::microseconds>(time).count()));
}

void ServiceManager::stopping(std::string_view status)
{
    send(fmt::format("STOPPING=1\nSTATUS={}", escape_controls(status)));
}

/// A manager that does not read costs a message, never time.
void ServiceManager::send(std::string_view message) const
{
    if (socket_)
        ::sendto(socket_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(address_.data()), static_cast<socklen_t>(address_.size()));
}

void ServiceManager::show_life()
{
    send("WATCHDOG=1");
    watchdog_.expires_after(interval_);
    watchdog_.async_wait([this](const boost::system::error_code& error) {
        if (!error)
            show_life();
    });
}

} // namespace smtpauth
