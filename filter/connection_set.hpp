// The MTA connections of one loop: moves bytes between each socket and its conversation, and decides nothing.
// Loop's thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "common/asio.hpp"
#include "common/file_descriptor.hpp"
#include "common/socket_watch.hpp"
#include "filter/closed_connections.hpp"
#include "filter/conversation.hpp"
#include "filter/journal/journal.hpp"
#include "filter/site.hpp"

namespace smtpauth {

class ConnectionSet {
public:
    /// All arguments outlive the set; the set outlives io.run().
    ConnectionSet(asio::io_context& io, const Site& site, Journal& journal);
    ConnectionSet(const ConnectionSet&) = delete;
    ConnectionSet& operator=(const ConnectionSet&) = delete;
    ~ConnectionSet();

    /// Serves the connection until either side ends it.
    /// @param peer  who it is, for the log.
    void add(FileDescriptor fd, SizeSource& size_source, std::string peer);

    std::size_t size() const { return connections_.size(); }

    /// What was decided since the start.
    struct Decisions {
        std::uint64_t passed = 0; ///< messages, held ones among them
        std::uint64_t refused = 0;
    };
    const Decisions& decisions() const { return decisions_; }

    /// What was closed since the start; whoever refuses a connection before it is added counts it here too.
    const ClosedConnections& closed() const { return closed_; }
    ClosedConnections& closed() { return closed_; }

    /// Octets that MTAs make all connections hold.
    std::size_t held_bytes() const { return held_bytes_; }

    /// Ends connections between messages now and the others after their message.
    /// @param on_empty  called once, when none is left; perhaps at once.
    void drain(std::function<void()> on_empty);

    /// Ends all connections, whatever they are doing.
    void close();

private:
    struct Connection;

    /// What receive() has read: all that was there, or as much as the buffer takes; nothing; the end.
    enum class Reading { all, buffer_full, nothing, over };

    /// What stops advance().
    enum class Progress { idle, more, wait_for_commit, closed };

    /// What a connection is waited for.
    struct Deadline {
        Clock::SteadyTime since;
        std::chrono::milliseconds timeout;
        Closed why;
        std::string_view what; ///< is wrong when it is over, for the log
    };

    Task<void> serve(Connection& connection);
    Progress advance(Connection& connection);
    void remove(Connection& connection);
    Reading receive(Connection& connection);
    Task<void> sweep();
    void check_commit(Connection& connection, Clock::SteadyTime now);
    void check_deadline(Connection& connection, Clock::SteadyTime now);
    Deadline deadline_of(const Connection& connection) const;
    bool holds_too_much(Connection& connection);
    void complain(const Connection& connection, Closed why, const std::string& problem);

    asio::io_context& io_;
    const Site& site_;
    Journal& journal_;
    SocketWatch watch_;
    std::list<Connection> connections_;
    std::vector<char> scratch_; ///< what any connection reads into: an idle one holds no buffer
    Decisions decisions_;
    ClosedConnections closed_;
    std::size_t held_bytes_ = 0;
    bool draining_ = false;
    std::function<void()> on_empty_;
    Timer sweep_timer_;
};

} // namespace smtpauth
