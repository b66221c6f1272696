#include "common/control_server.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/log.hpp"

namespace smtpauth {

struct ControlServer::Connection {
    Connection(asio::io_context& io, FileDescriptor fd)
        : socket(io, asio::generic::stream_protocol(AF_UNIX, 0), fd.get()),
          deadline(io),
          answered(io)
    {
        fd.release();
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
    Timer answered; ///< ends when there is an answer
    ControlPeer peer;
    std::string request;
    std::optional<std::string> answer;
};

ControlServer::ControlServer(asio::io_context& io, ListeningSocket socket, ControlCommands commands, Limits limits)
    : io_(io),
      listening_(std::move(socket)),
      commands_(std::move(commands)),
      limits_(limits),
      acceptor_(io, listening_.fd(), "control socket", [this](FileDescriptor fd) { admit(std::move(fd)); })
{
}

bool ControlServer::has_place_for(const ControlPeer& peer) const
{
    const std::size_t kept = commands_.may_change(peer) ? 0 : limits_.connections / 4;
    return open_ < limits_.connections - kept;
}

void ControlServer::admit(FileDescriptor fd)
{
    const auto credentials = peer_credentials(fd.get());
    if (!credentials)
        return;
    const ControlPeer peer{credentials->uid, peer_groups(fd.get())};
    auto connection = std::make_shared<Connection>(io_, std::move(fd));
    connection->peer = peer;
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
        if (error)
            return;
        connection->socket.close(ignored);
        connection->answered.cancel(); // the peer is not there any more; what it asked for is done all the same
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

    connection->answered.expires_at(Timer::time_point::max());
    commands_.answer(std::string_view(request).substr(0, end), connection->peer, [connection](std::string text) {
        connection->answer = std::move(text);
        connection->answered.cancel();
    });
    if (!connection->answer)
        co_await connection->answered.async_wait(asio::as_tuple(use_task));
    std::string answer = connection->answer.value_or("");
    while (connection->send_some(answer) && !answer.empty()) {
        const auto [error] = co_await socket.async_wait(StreamSocket::wait_write, asio::as_tuple(use_task));
        if (error)
            co_return;
    }
}

} // namespace smtpauth
