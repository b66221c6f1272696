#include "collector/receiver.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <utility>

#include "common/log.hpp"

namespace smtpauth {

namespace {

/// Records that wait for the worker, in octets; one more frame may come on top.
constexpr std::size_t max_batch_bytes = std::size_t{4} * 1024 * 1024;

/// Octets a read: many records, for each costs the same system call.
constexpr std::size_t scratch_size = std::size_t{256} * 1024;

/// Each may hold an unfinished frame in memory.
constexpr std::size_t max_connections = 64;

constexpr std::chrono::seconds hello_timeout(10);

} // namespace

struct Receiver::Connection {
    Connection(asio::io_context& io, FileDescriptor fd, std::uint64_t number_)
        : socket(io, asio::generic::stream_protocol(AF_UNIX, 0), fd.get()),
          deadline(io),
          number(number_)
    {
        fd.release();
    }

    /// False where the peer is gone or reads nothing: the frame is small and there is room for thousands.
    bool send(const std::string& frame)
    {
        const ssize_t sent = ::send(socket.native_handle(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        return sent == static_cast<ssize_t>(frame.size());
    }

    /// For the log.
    std::string name() const { return hello.instance.empty() ? "filter" : "filter " + hello.instance; }

    StreamSocket socket;
    Timer deadline; ///< for HELLO
    std::uint64_t number;
    event::FrameDecoder decoder;
    bool greeted = false;
    event::Hello hello;
    std::uint64_t last_received = 0; ///< sequence number; 0 before the first
    std::uint64_t last_safe = 0;     ///< what an ACK may name
};

Receiver::Receiver(asio::io_context& io, ListeningSocket socket, std::set<uid_t> peers, Submit submit)
    : io_(io),
      listening_(std::move(socket)),
      peers_(std::move(peers)),
      submit_(std::move(submit)),
      room_(io, Timer::time_point::max()),
      scratch_(scratch_size, '\0')
{
}

bool Receiver::may_connect(const std::set<uid_t>& peers, uid_t user)
{
    return user != overflow_uid && peers.contains(user);
}

void Receiver::start()
{
    acceptor_.emplace(io_, listening_.fd(), "event socket", [this](FileDescriptor fd) { admit(std::move(fd)); });
}

void Receiver::admit(FileDescriptor fd)
{
    const auto peer = peer_credentials(fd.get());
    if (!peer || !may_connect(peers_, peer->uid)) {
        log::warning("event socket: uid {}, pid {} is not among event_peers; connection closed",
                     peer ? std::to_string(peer->uid) : "unknown", peer ? peer->pid : 0);
        return;
    }
    if (connections_.size() >= max_connections) {
        log::warning("event socket: {} connections already; one more from uid {}, pid {} closed", max_connections,
                     peer->uid, peer->pid);
        return;
    }
    auto connection = std::make_shared<Connection>(io_, std::move(fd), next_connection_++);
    connections_.emplace(connection->number, connection);
    connection->deadline.expires_after(hello_timeout);
    connection->deadline.async_wait([connection](const boost::system::error_code& error) {
        if (!error && !connection->greeted) {
            log::warning("event socket: no HELLO within {} s; connection closed", hello_timeout.count());
            connection->socket.close();
        }
    });
    asio::co_spawn(io_, serve(connection), [this, connection](const std::exception_ptr& error) {
        connection->deadline.cancel();
        // While stopping, what was read is still to be acknowledged.
        if (!stopped_)
            connections_.erase(connection->number);
        if (error)
            std::rethrow_exception(error);
    });
}

Task<void> Receiver::serve(std::shared_ptr<Connection> connection)
{
    StreamSocket& socket = connection->socket;
    while (!stopped_) {
        const auto [error] = co_await socket.async_wait(StreamSocket::wait_read, asio::as_tuple(use_task));
        if (error || stopped_)
            break;
        const ssize_t count = ::recv(socket.native_handle(), scratch_.data(), scratch_.size(), MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (count <= 0 || !receive(*connection, event::Bytes(scratch_).substr(0, static_cast<std::size_t>(count))))
            break;
        submit_batch();
        while (!has_room() && !stopped_) {
            co_await room_.async_wait(asio::as_tuple(use_task));
        }
    }
    if (connection->greeted && !stopped_)
        log::info("{}: disconnected after record {}", connection->name(), connection->last_received);
}

/// @return  false where the connection is to be closed.
bool Receiver::receive(Connection& connection, event::Bytes bytes)
{
    connection.decoder.feed(bytes);
    while (const auto frame = connection.decoder.next()) {
        if (!take(connection, *frame))
            return false;
    }
    if (connection.decoder.failed())
        log::error("{}: {}; connection closed", connection.name(), connection.decoder.error());
    return !connection.decoder.failed();
}

bool Receiver::take(Connection& connection, const event::Frame& frame)
{
    if (const auto* hello = std::get_if<event::Hello>(&frame); hello && !connection.greeted)
        return greet(connection, *hello);
    if (!connection.greeted || std::holds_alternative<event::Hello>(frame)) {
        log::error("{}: expected one HELLO, first of all; connection closed", connection.name());
        return false;
    }
    if (const auto* record = std::get_if<event::RecordFrame>(&frame))
        return take_record(connection, *record);
    if (std::holds_alternative<event::Ping>(frame))
        return acknowledge(connection);
    // Kinds that only the collector sends mean nothing here, nor do those of a newer version.
    return true;
}

bool Receiver::greet(Connection& connection, const event::Hello& hello)
{
    connection.hello = hello;
    const auto version = event::common_version(hello);
    if (!version) {
        log::error("{}: speaks versions {} to {} of the stream, expected one of {} to {}; connection closed",
                   connection.name(), hello.lowest_version, hello.highest_version, event::lowest_version,
                   event::highest_version);
        return false;
    }
    connection.greeted = true;
    connection.last_safe = hello.first_unacknowledged == 0 ? 0 : hello.first_unacknowledged - 1;
    log::info("{}: connected, journal {}, sends from record {}", connection.name(),
              event::journal_to_string(hello.journal), hello.first_unacknowledged);
    std::string welcome;
    append_frame(welcome, event::Welcome{*version});
    return connection.send(welcome);
}

bool Receiver::take_record(Connection& connection, const event::RecordFrame& frame)
{
    if (frame.sequence <= connection.last_received) {
        log::error("{}: record {} after record {}, expected a higher number; connection closed", connection.name(),
                   frame.sequence, connection.last_received);
        return false;
    }
    if (connection.last_received != 0 && frame.sequence != connection.last_received + 1)
        log::error("{}: record {} after record {}: {} are missing", connection.name(), frame.sequence,
                   connection.last_received, frame.sequence - connection.last_received - 1);
    connection.last_received = frame.sequence;
    batch_.add(connection.number, {connection.hello.journal, frame.sequence}, frame.record);
    return true;
}

bool Receiver::acknowledge(Connection& connection)
{
    std::string ack;
    append_frame(ack, event::Ack{connection.last_safe});
    return connection.send(ack);
}

bool Receiver::has_room() const
{
    return batch_.bytes.size() < max_batch_bytes;
}

void Receiver::submit_batch()
{
    if (under_way_ || batch_.empty())
        return;
    under_way_ = true;
    submit_(std::exchange(batch_, std::move(spare_)));
    room_.cancel();
}

void Receiver::batch_done(Batch batch)
{
    under_way_ = false;
    for (const auto& [number, sequence] : batch.last_of) {
        const auto found = connections_.find(number);
        if (found == connections_.end())
            continue;
        Connection& connection = *found->second;
        connection.last_safe = sequence;
        if (!acknowledge(connection)) {
            log::warning("{}: does not take its acknowledgements; connection closed", connection.name());
            connection.socket.close();
        }
    }
    batch.clear();
    spare_ = std::move(batch);
    submit_batch();
    finish_stop();
}

std::vector<Receiver::Peer> Receiver::filters() const
{
    std::vector<Peer> filters;
    for (const auto& [number, connection] : connections_)
        if (connection->greeted)
            filters.push_back({connection->hello.instance, connection->hello.journal, connection->last_received,
                               connection->last_safe});
    return filters;
}

Receiver::Waiting Receiver::waiting() const
{
    return {batch_.entries.size(), batch_.bytes.size(), max_batch_bytes};
}

void Receiver::stop(std::function<void()> done)
{
    stopped_ = std::move(done);
    if (acceptor_)
        acceptor_->stop();
    room_.cancel();
    submit_batch();
    finish_stop();
}

void Receiver::finish_stop()
{
    if (!stopped_ || under_way_ || !batch_.empty())
        return;
    for (const auto& [number, connection] : connections_)
        connection->socket.close();
    std::exchange(stopped_, [] {})();
}

} // namespace smtpauth
