// Takes the records of any number of filters off the event socket, hands them to the log worker in batches,
// and acknowledges what the worker has made safe. Moves frames; what a record says is the worker's business.
//
// At most one batch is with the worker and one is being filled. A full one stops the reading of every
// connection until the worker is done: memory stays bounded, and the filters keep what they have.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collector/batch.hpp"
#include "common/acceptor.hpp"
#include "common/asio.hpp"
#include "common/listening_socket.hpp"
#include "proto/event/frame_decoder.hpp"

namespace smtpauth {

/// Lives on the loop's thread.
class Receiver {
public:
    /// Takes a batch to where it is made safe; batch_done() is to be called once it is.
    using Submit = std::function<void(Batch)>;

    /// @param peers  users whose processes may send records; see may_connect().
    Receiver(asio::io_context& io, ListeningSocket socket, std::set<uid_t> peers, Submit submit);
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    /// Begins to accept connections.
    void start();

    /// For connections from now on.
    void set_peers(std::set<uid_t> peers) { peers_ = std::move(peers); }

    /// The batch last submitted is safe: acknowledges its records and goes on.
    void batch_done(Batch batch);

    /// Accepts and reads no more; calls `done` when everything that was read is safe and acknowledged. It may
    /// never be: give up after a while.
    void stop(std::function<void()> done);

    /// A filter that is connected and has said who it is.
    struct Peer {
        std::string instance;
        std::uint64_t journal = 0;
        std::uint64_t last_received = 0; ///< sequence number; 0 before the first
        std::uint64_t last_acknowledged = 0;
    };
    std::vector<Peer> filters() const;

    /// What was received and is not with the worker yet.
    struct Waiting {
        std::size_t records = 0;
        std::size_t bytes = 0;
        std::size_t max_bytes = 0; ///< from here on nothing is read
    };
    Waiting waiting() const;

    /// A process without a name in this user namespace has the overflow uid: anybody may be behind it.
    static bool may_connect(const std::set<uid_t>& peers, uid_t user);

private:
    struct Connection;

    void admit(FileDescriptor fd);
    Task<void> serve(std::shared_ptr<Connection> connection);
    bool receive(Connection& connection, event::Bytes bytes);
    bool take(Connection& connection, const event::Frame& frame);
    bool greet(Connection& connection, const event::Hello& hello);
    bool take_record(Connection& connection, const event::RecordFrame& frame);
    bool acknowledge(Connection& connection);
    bool has_room() const;
    void submit_batch();
    void finish_stop();

    asio::io_context& io_;
    ListeningSocket listening_;
    std::set<uid_t> peers_;
    Submit submit_;

    std::map<std::uint64_t, std::shared_ptr<Connection>> connections_;
    std::uint64_t next_connection_ = 1;
    Batch batch_;                   ///< being filled
    Batch spare_;                   ///< an empty one that has memory already
    bool under_way_ = false;        ///< a batch is with the worker
    Timer room_;                    ///< never expires; cancelled when a batch has gone
    std::string scratch_;           ///< what all connections read into
    std::function<void()> stopped_; ///< set while stopping
    std::optional<Acceptor> acceptor_;
};

} // namespace smtpauth
