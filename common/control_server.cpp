#include "common/control_server.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "common/log.hpp"

namespace smtpauth {

namespace {

/// Pause after accept() failed for want of descriptors or memory.
constexpr std::chrono::seconds accept_pause(1);

} // namespace

struct ControlServer::Connection {
    Connection(asio::io_context& io, int fd) : socket(io, asio::generic::stream_protocol(AF_UNIX, 0), fd), deadline(io)
    {
    }

    /// Writes what the socket takes now. @return  false where the peer is gone.
    bool send_some(std::string& text)
    {
        const ssize_t sent = ::send(socket.native_handle(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EINTR;
        text.erase(0, static_cast<std::size_t>(sent));
        return true;
    }

    StreamSocket socket;
    Timer deadline;
    ControlPeer peer;
    std::string request;
};

ControlServer::ControlServer(asio::io_context& io, ListeningSocket socket, ControlCommands commands, Limits limits)
    : io_(io),
      listening_(std::move(socket)),
      acceptor_(io, listening_.fd()),
      commands_(std::move(commands)),
      limits_(limits)
{
    asio::co_spawn(io_, accept(), [](const std::exception_ptr& error) {
        if (error)
            std::rethrow_exception(error);
    });
}

ControlServer::~ControlServer()
{
    acceptor_.release();
}

Task<void> ControlServer::accept()
{
    Timer pause(io_);
    while (true) {
        const auto [error] = co_await acceptor_.async_wait(Descriptor::wait_read, asio::as_tuple(use_task));
        if (error)
            co_return;
        const int failure = accept_all();
        if (failure == EAGAIN)
            continue;
        log::error("control socket: cannot accept: {}", std::generic_category().message(failure));
        pause.expires_after(accept_pause);
        co_await pause.async_wait(asio::as_tuple(use_task));
    }
}

/// Until accept4() fails. @return  its errno.
int ControlServer::accept_all()
{
    while (true) {
        const int fd = ::accept4(listening_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            admit(fd);
        else if (errno != EINTR && errno != ECONNABORTED)
            return errno;
    }
}

bool ControlServer::has_place_for(const ControlPeer& peer) const
{
    const std::size_t kept = commands_.may_change(peer) ? 0 : limits_.connections / 4;
    return open_ < limits_.connections - kept;
}

void ControlServer::admit(int fd)
{
    auto connection = std::make_shared<Connection>(io_, fd);
    const auto credentials = peer_credentials(fd);
    if (!credentials)
        return;
    connection->peer = {credentials->uid, peer_groups(fd)};
    if (!has_place_for(connection->peer)) {
        std::string refusal =
            control_answer(ControlRefusal{"busy", fmt::format("{} connections are open already", open_)});
        connection->send_some(refusal);
        return;
    }
    ++open_;
    connection->deadline.expires_after(limits_.timeout);
    connection->deadline.async_wait([connection](const boost::system::error_code& error) {
        boost::system::error_code ignored;
        if (!error)
            connection->socket.close(ignored);
    });
    asio::co_spawn(io_, serve(connection), [this, connection](const std::exception_ptr& failure) {
        --open_;
        connection->deadline.cancel();
        boost::system::error_code ignored;
        connection->socket.close(ignored);
        try {
            if (failure)
                std::rethrow_exception(failure);
        } catch (const std::exception& error) {
            log::error("control socket: {}; connection closed", error.what());
        }
    });
}

Task<void> ControlServer::serve(std::shared_ptr<Connection> connection)
{
    StreamSocket& socket = connection->socket;
    std::string& request = connection->request;
    std::size_t end = std::string::npos;
    while ((end = request.find('\n')) == std::string::npos && request.size() <= max_control_request) {
        const auto [error] = co_await socket.async_wait(StreamSocket::wait_read, asio::as_tuple(use_task));
        if (error)
            co_return;
        std::array<char, 4096> buffer;
        const ssize_t count = ::recv(socket.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (count <= 0)
            co_return;
        request.append(buffer.data(), static_cast<std::size_t>(count));
    }

    std::string answer = commands_.answer(std::string_view(request).substr(0, end), connection->peer);
    while (connection->send_some(answer) && !answer.empty()) {
        const auto [error] = co_await socket.async_wait(StreamSocket::wait_write, asio::as_tuple(use_task));
        if (error)
            co_return;
    }
}

} // namespace smtpauth
