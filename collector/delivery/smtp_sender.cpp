#include "collector/delivery/smtp_sender.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include <arpa/inet.h>
#include <boost/asio/ssl.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include "common/file_descriptor.hpp"

namespace smtpauth {

namespace {

using ErrorCode = boost::system::error_code;
using TlsStream = asio::ssl::stream<StreamSocket&>;

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

Address address_of(const SocketSpec& spec)
{
    Address address;
    if (const auto* local = std::get_if<UnixSocketSpec>(&spec)) {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        local->path.copy(name.sun_path, sizeof name.sun_path - 1);
        std::memcpy(&address.storage, &name, sizeof name);
        address.size = sizeof name;
        return address;
    }
    const auto& tcp = std::get<TcpSocketSpec>(spec);
    if (tcp.v6) {
        sockaddr_in6 name{};
        name.sin6_family = AF_INET6;
        name.sin6_port = htons(tcp.port);
        ::inet_pton(AF_INET6, tcp.host.c_str(), &name.sin6_addr);
        std::memcpy(&address.storage, &name, sizeof name);
        address.size = sizeof name;
    } else {
        sockaddr_in name{};
        name.sin_family = AF_INET;
        name.sin_port = htons(tcp.port);
        ::inet_pton(AF_INET, tcp.host.c_str(), &name.sin_addr);
        std::memcpy(&address.storage, &name, sizeof name);
        address.size = sizeof name;
    }
    return address;
}

std::string errno_text(int error)
{
    return std::generic_category().message(error);
}

/// One connection to the server. Each step ends at the latest after its time, and all of them after theirs: the socket
/// is closed then.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(asio::io_context& io, std::chrono::milliseconds of_all)
        : socket_(io),
          deadline_(io),
          end_(Timer::clock_type::now() + of_all)
    {
    }

    /// All until the next of these is one step.
    void begin_step(std::chrono::milliseconds time)
    {
        time_ = time;
        deadline_.expires_at(std::min(end_, Timer::clock_type::now() + time));
        deadline_.async_wait([self = weak_from_this()](const ErrorCode& error) {
            const auto connection = self.lock();
            // It may have been set anew since it expired.
            if (error || !connection || connection->deadline_.expiry() > Timer::clock_type::now())
                return;
            connection->timed_out_ = true;
            ErrorCode ignored;
            connection->socket_.close(ignored);
        });
    }

    /// @return  "", or why not.
    Task<std::string> connect(SocketSpec spec)
    {
        const Address address = address_of(spec);
        const int family = address.storage.ss_family;
        // Not by Asio: its sockets stay open in programs that are started.
        FileDescriptor fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!fd)
            co_return errno_text(errno);
        const bool connected =
            ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0;
        const int error = connected ? 0 : errno;
        if (error != 0 && error != EINPROGRESS)
            co_return errno_text(error);
        socket_.assign(asio::generic::stream_protocol(family, 0), fd.release());
        if (connected)
            co_return std::string();
        const auto [waited] = co_await socket_.async_wait(StreamSocket::wait_write, asio::as_tuple(use_task));
        int failure = 0;
        socklen_t size = sizeof failure;
        if (!waited && ::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
            failure = errno;
        co_return waited ? text_of(waited) : failure != 0 ? errno_text(failure) : std::string();
    }

    Task<std::string> write(std::string bytes)
    {
        ErrorCode error;
        if (tls_)
            std::tie(error, std::ignore) =
                co_await asio::async_write(*tls_, asio::buffer(bytes), asio::as_tuple(use_task));
        else
            std::tie(error, std::ignore) =
                co_await asio::async_write(socket_, asio::buffer(bytes), asio::as_tuple(use_task));
        co_return text_of(error);
    }

    /// @param to  gets what came; something, unless there is an error.
    Task<std::string> read(std::string& to)
    {
        std::array<char, 4096> buffer;
        ErrorCode error;
        std::size_t size = 0;
        if (tls_)
            std::tie(error, size) = co_await tls_->async_read_some(asio::buffer(buffer), asio::as_tuple(use_task));
        else
            std::tie(error, size) = co_await socket_.async_read_some(asio::buffer(buffer), asio::as_tuple(use_task));
        to.assign(buffer.data(), size);
        co_return text_of(error);
    }

    Task<std::string> encrypt(const SmtpServer& server)
    {
        ErrorCode error;
        context_.emplace(asio::ssl::context::tls_client);
        if (!server.tls_name.empty()) {
            if (server.tls_ca_file.empty())
                context_->set_default_verify_paths(error);
            else
                context_->load_verify_file(server.tls_ca_file, error);
            if (error)
                co_return fmt::format("{}: {}", server.tls_ca_file, error.message());
            context_->set_verify_mode(asio::ssl::verify_peer);
            context_->set_verify_callback(asio::ssl::host_name_verification(server.tls_name));
        }
        tls_.emplace(socket_, *context_);
        if (!server.tls_name.empty())
            ::SSL_set_tlsext_host_name(tls_->native_handle(), server.tls_name.c_str());
        const auto [failed] = co_await tls_->async_handshake(TlsStream::client, asio::as_tuple(use_task));
        co_return failed ? "TLS: " + text_of(failed) : std::string();
    }

    void close()
    {
        ErrorCode ignored;
        deadline_.cancel();
        socket_.close(ignored);
    }

private:
    std::string text_of(const ErrorCode& error) const
    {
        if (timed_out_ && deadline_.expiry() == end_)
            return "the whole took too long";
        if (timed_out_)
            return fmt::format("nothing within {} s", std::chrono::duration<double>(time_).count());
        return error ? error == asio::error::eof ? "connection closed" : error.message() : "";
    }

    StreamSocket socket_;
    Timer deadline_;
    const Timer::clock_type::time_point end_;
    std::chrono::milliseconds time_{0}; ///< of the step
    bool timed_out_ = false;
    std::optional<asio::ssl::context> context_;
    std::optional<TlsStream> tls_; ///< since the handshake began
};

Task<void> converse(Connection& connection, const SmtpServer& server, SmtpDialogue& dialogue)
{
    connection.begin_step(server.timeout);
    std::string error = co_await connection.connect(server.address);
    std::string input;
    bool in_answer = false; // which has one deadline, in however many pieces it comes
    while (error.empty()) {
        const auto step = dialogue.next();
        if (const auto* need = std::get_if<SmtpDialogue::NeedInput>(&step)) {
            if (!std::exchange(in_answer, true))
                connection.begin_step(need->of_mail ? server.of_mail : server.timeout);
            error = co_await connection.read(input);
            dialogue.feed(input);
            continue;
        }
        in_answer = false;
        connection.begin_step(server.timeout);
        if (const auto* send = std::get_if<SmtpDialogue::Send>(&step)) {
            error = co_await connection.write(send->bytes);
        } else if (std::holds_alternative<SmtpDialogue::Encrypt>(step)) {
            error = co_await connection.encrypt(server);
            if (error.empty())
                dialogue.encrypted();
        } else {
            co_return;
        }
    }
    dialogue.fail(error);
}

} // namespace

Task<void> deliver_mail(asio::io_context& io, SmtpServer server, SmtpDialogue& dialogue)
{
    const auto connection = std::make_shared<Connection>(io, server.of_all);
    std::string failure;
    try {
        co_await converse(*connection, server, dialogue);
    } catch (const std::exception& error) {
        failure = error.what();
    }
    if (!failure.empty())
        dialogue.fail(failure);
    connection->close();
}

} // namespace smtpauth
