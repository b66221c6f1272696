#include "filter/connection_set.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "common/log.hpp"

namespace smtpauth {

namespace {

/// One read that feeds many packets: kernel calls are most of the cost of a message.
constexpr std::size_t scratch_bytes = std::size_t{64} * 1024;

/// Replies to a peer that does not read are made no further than this.
constexpr std::size_t max_output_bytes = std::size_t{64} * 1024;

/// An idle connection gives back what its replies took beyond this: a refusal or the answer to the negotiation.
constexpr std::size_t kept_output_bytes = 32;

/// A peer that takes no reply for so long will not take one any more: no MTA waits longer for a milter.
constexpr std::chrono::minutes write_timeout{6};

/// No usual message makes its connection hold more: below, nobody pays for what others hold.
constexpr std::size_t usual_held_bytes = std::size_t{64} * 1024;

/// How often the deadlines of all connections are looked at.
constexpr std::chrono::seconds sweep_interval{1};

/// Sendmail gives a filter up that says nothing for 10 s at end of message.
constexpr std::chrono::seconds progress_interval{4};

/// Suspends a connection until its record is safe; waiting allocates nothing, the handler lives here.
class CommitSignal final : public CommitWaiter {
public:
    void committed(Kept kept) override
    {
        kept_ = kept;
        auto handler = std::move(*handler_);
        handler_.reset();
        std::move(handler)();
    }

    bool is_waiting() const { return handler_.has_value(); }

    /// What committed() was told.
    Kept kept() const { return kept_; }

    auto wait()
    {
        return asio::async_initiate<const asio::use_awaitable_t<LoopExecutor>, void()>(
            [this](auto handler) { handler_.emplace(std::move(handler)); }, use_task);
    }

private:
    using Handler = asio::async_result<asio::use_awaitable_t<LoopExecutor>, void()>::handler_type;
    std::optional<Handler> handler_;
    Kept kept_ = Kept::yes;
};

} // namespace

struct ConnectionSet::Connection {
    Connection(SocketWatch& watch, FileDescriptor fd, const Site& site, SizeSource& size_source, std::string peer_name)
        : socket(watch, std::move(fd)),
          conversation(site, size_source),
          peer(std::move(peer_name)),
          opened(site.clock.steady_now()),
          last_active(opened)
    {
    }

    WatchedSocket socket;
    Conversation conversation;
    CommitSignal commit;
    std::string peer;
    Clock::SteadyTime opened;
    Clock::SteadyTime last_active;
    Clock::SteadyTime packet_began; ///< while conversation.in_packet()
    Clock::SteadyTime commit_began; ///< while commit.is_waiting(), as is the next
    Clock::SteadyTime last_progress;
    std::list<Connection>::iterator self;
    std::size_t held_bytes = 0; ///< as counted last
    bool writing = false;       ///< waits for the peer to take replies
    bool closing = false;       ///< by the sweep or close(): not by the peer

    /// Writes as much of the output as the socket takes. False: the peer is gone.
    bool send_some()
    {
        std::string& output = conversation.output();
        std::size_t sent = 0;
        while (sent < output.size()) {
            const ssize_t n = ::send(socket.fd(), output.data() + sent, output.size() - sent, MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0 && errno != EAGAIN)
                return false;
            if (n < 0)
                break;
            sent += static_cast<std::size_t>(n);
        }
        output.erase(0, sent);
        if (output.empty() && output.capacity() > kept_output_bytes)
            output.shrink_to_fit();
        return true;
    }
};

ConnectionSet::ConnectionSet(asio::io_context& io, const Site& site, Journal& journal)
    : io_(io),
      site_(site),
      journal_(journal),
      watch_(io, {.between = [this] { journal_.poll(); }, .end = [this] { journal_.flush(); }}),
      scratch_(scratch_bytes),
      sweep_timer_(io)
{
    asio::co_spawn(io_, sweep(), [](const std::exception_ptr&) {});
}

ConnectionSet::~ConnectionSet() = default;

void ConnectionSet::add(FileDescriptor fd, SizeSource& size_source, std::string peer)
try {
    const auto at =
        connections_.emplace(connections_.end(), watch_, std::move(fd), site_, size_source, std::move(peer));
    at->self = at;
    asio::co_spawn(io_, serve(*at), [this, at](const std::exception_ptr& failure) {
        try {
            if (failure)
                std::rethrow_exception(failure);
        } catch (const std::exception& error) {
            log::error("mta {}: {}; connection closed", at->peer, error.what());
        }
        remove(*at);
    });
} catch (const std::system_error& error) {
    log::error("{}; it is closed", error.what());
}

// Returns when either side is done. One frame and no buffer: thousands of connections idle at any time.
Task<void> ConnectionSet::serve(Connection& connection)
{
    Conversation& conversation = connection.conversation;
    Reading reading = Reading::all;
    for (Progress progress = Progress::idle; progress != Progress::closed;) {
        if (progress == Progress::idle) {
            // A draining connection looks once more for a MAIL that had arrived, and waits only for the rest of a
            // message.
            const bool may_wait = !draining_ || conversation.in_message();
            if (reading == Reading::buffer_full)
                co_await asio::post(io_, use_task); // there is more, but others have their turn
            else if (may_wait && connection.socket.must_wait(WatchedSocket::For::read))
                co_await connection.socket.ready();
            if (connection.closing)
                co_return;
            reading = receive(connection);
            if (reading == Reading::over)
                co_return;
            if (reading == Reading::nothing && draining_ && !conversation.in_message())
                progress = Progress::closed;
        }
        if (progress != Progress::closed)
            progress = advance(connection);
        if (progress == Progress::wait_for_commit) {
            connection.commit_began = connection.last_progress = site_.clock.steady_now();
            if (!conversation.output().empty())
                connection.send_some(); // a peer that is gone is seen once the record is safe
            co_await connection.commit.wait();
            if (connection.closing)
                co_return;
            connection.last_active = site_.clock.steady_now();
            const bool kept = connection.commit.kept() != Kept::no;
            ++(kept ? decisions_.passed : decisions_.refused);
            kept ? conversation.committed() : conversation.not_committed();
        }
        if (progress == Progress::idle && holds_too_much(connection))
            co_return;
        if (!connection.send_some())
            co_return;
        while (!conversation.output().empty()) {
            connection.writing = true;
            if (connection.socket.must_wait(WatchedSocket::For::write))
                co_await connection.socket.ready();
            if (connection.closing || !connection.send_some())
                co_return;
        }
        connection.writing = false;
    }
}

/// Reads what is there and gives it to the conversation.
ConnectionSet::Reading ConnectionSet::receive(Connection& connection)
{
    Conversation& conversation = connection.conversation;
    const ssize_t received = ::recv(connection.socket.fd(), scratch_.data(), scratch_.size(), MSG_DONTWAIT);
    if (received < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR ? Reading::buffer_full : Reading::nothing;
    if (received <= 0) {
        if (conversation.in_packet())
            complain(connection, Closed::bad_packet, "ended inside a milter packet");
        return Reading::over;
    }
    connection.last_active = site_.clock.steady_now();
    if (!conversation.in_packet())
        connection.packet_began = connection.last_active;
    const auto count = static_cast<std::size_t>(received);
    conversation.receive({scratch_.data(), count});
    return count == scratch_.size() ? Reading::buffer_full : Reading::all;
}

/// Takes the conversation as far as it gets without waiting for anything.
ConnectionSet::Progress ConnectionSet::advance(Connection& connection)
{
    Conversation& conversation = connection.conversation;
    for (;;) {
        const Conversation::Step step = conversation.next();
        if (std::holds_alternative<Conversation::Idle>(step))
            return Progress::idle;
        if (const auto* close = std::get_if<Conversation::Close>(&step)) {
            if (!close->error.empty())
                complain(connection, Closed::bad_packet, close->error);
            return Progress::closed;
        }
        const auto& commit = std::get<Conversation::Commit>(step);
        const bool kept = journal_.append(commit.record, commit.waits ? &connection.commit : nullptr);
        // Whoever waits gives the scratch buffer to other connections.
        if (commit.waits && !kept) {
            conversation.keep_rest();
            return Progress::wait_for_commit;
        }
        ++(commit.waits ? decisions_.passed : decisions_.refused);
        conversation.committed();
        if (conversation.output().size() > max_output_bytes) {
            conversation.keep_rest();
            return Progress::more;
        }
    }
}

/// Counts what it holds. Beyond max_held_bytes whoever holds more than usual has to go.
bool ConnectionSet::holds_too_much(Connection& connection)
{
    const std::size_t held = connection.conversation.held_bytes();
    held_bytes_ += held - std::exchange(connection.held_bytes, held);
    if (held_bytes_ <= site_.config->max_held_bytes || held <= usual_held_bytes)
        return false;
    complain(connection, Closed::too_much_held,
             fmt::format("holds {} octets of {} in all connections, expected at most {} (max_held_bytes)", held,
                         held_bytes_, site_.config->max_held_bytes));
    return true;
}

void ConnectionSet::complain(const Connection& connection, Closed why, const std::string& problem)
{
    closed_.add(why, site_.clock.steady_now(), "mta " + connection.peer + ": " + problem);
}

void ConnectionSet::remove(Connection& connection)
{
    held_bytes_ -= connection.held_bytes;
    connection.conversation.lost();
    connections_.erase(connection.self);
    if (connections_.empty() && on_empty_)
        std::exchange(on_empty_, nullptr)();
}

void ConnectionSet::drain(std::function<void()> on_empty)
{
    draining_ = true;
    if (connections_.empty())
        return on_empty();
    on_empty_ = std::move(on_empty);
    for (auto next = connections_.begin(); next != connections_.end();) {
        Connection& connection = *next++; // it may be gone after this
        if (!connection.conversation.in_message())
            connection.socket.wake();
    }
}

void ConnectionSet::close()
{
    sweep_timer_.cancel();
    for (auto next = connections_.begin(); next != connections_.end();) {
        Connection& connection = *next++; // it may be gone after this
        connection.closing = true;
        if (connection.commit.is_waiting()) {
            journal_.withdraw(connection.commit, connection.conversation.message());
            connection.commit.committed(Kept::no);
        } else {
            connection.socket.wake();
        }
    }
}

// One coarse timer for all deadlines: one a connection would cost memory and a system call at every read.
Task<void> ConnectionSet::sweep()
{
    for (;;) {
        sweep_timer_.expires_after(sweep_interval);
        const auto [error] = co_await sweep_timer_.async_wait(asio::as_tuple(use_task));
        if (error)
            co_return;
        for (const event::Record& refusals : site_.folding.take_due(site_.clock.now()))
            site_.keep(refusals);
        const auto now = site_.clock.steady_now();
        for (auto next = connections_.begin(); next != connections_.end();) {
            Connection& connection = *next++; // the check may end it
            if (connection.commit.is_waiting())
                check_commit(connection, now);
            else
                check_deadline(connection, now);
        }
    }
}

/// The disk keeps an MTA waiting: keeps it patient, up to commit_timeout.
void ConnectionSet::check_commit(Connection& connection, Clock::SteadyTime now)
{
    if (now - connection.commit_began >= site_.config->commit_timeout) {
        log::error("mta {}: no record was kept within commit_timeout; the message is answered 451", connection.peer);
        journal_.withdraw(connection.commit, connection.conversation.message());
        connection.commit.committed(Kept::no);
    } else if (now - connection.last_progress >= progress_interval) {
        connection.last_progress = now;
        connection.conversation.keep_waiting();
        connection.send_some(); // a peer that is gone is seen once the record is safe
    }
}

void ConnectionSet::check_deadline(Connection& connection, Clock::SteadyTime now)
{
    const Deadline deadline = deadline_of(connection);
    if (now - deadline.since < deadline.timeout || connection.closing)
        return;
    complain(connection, deadline.why,
             fmt::format("{} for more than {} s", deadline.what,
                         std::chrono::duration_cast<std::chrono::seconds>(deadline.timeout).count()));
    connection.closing = true;
    connection.socket.wake();
}

ConnectionSet::Deadline ConnectionSet::deadline_of(const Connection& connection) const
{
    const FilterConfig& config = *site_.config;
    if (connection.writing)
        return {connection.last_active, write_timeout, Closed::takes_no_replies, "takes no replies"};
    if (!connection.conversation.negotiated())
        return {connection.opened, config.negotiate_timeout, Closed::not_negotiated, "has not negotiated"};
    if (connection.conversation.in_packet())
        return {connection.packet_began, config.packet_timeout, Closed::unfinished_packet, "sends one packet"};
    return {connection.last_active, config.idle_timeout, Closed::silent, "silent"};
}

} // namespace smtpauth
