// Streams the journal's records to the collector, and notes what it acknowledges. A collector that is away, slow or
// wrong costs the mail path nothing but room on the disk.
//
// Runs on a thread of its own, for it reads the journal's files. After WELCOME it sends from the first unacknowledged
// record, many records a write, up to a window of octets that the collector has not acknowledged. Records of an earlier
// start of the filter go first, on connections of their own: one connection, one journal. docs/formats/stream.md
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "common/asio.hpp"
#include "common/disk.hpp"
#include "common/socket_spec.hpp"
#include "filter/journal/catalogue.hpp"
#include "filter/journal/reader.hpp"
#include "proto/event/frame_decoder.hpp"

namespace smtpauth {

/// On `io`'s thread but for wake() and figures(); must outlive the loop's last turn.
class Sender {
public:
    struct Settings {
        SocketSpec collector; ///< a UNIX socket, for the collector asks the kernel who connects; another never connects
        std::string instance{};    ///< this filter's name, for people; at most 255 octets
        std::uint64_t journal = 0; ///< of this start of the filter
    };

    /// Connects, and goes on until stop(): a lost connection is tried again after 0.1 s, doubling to 5 s.
    Sender(asio::io_context& io, Catalogue& catalogue, Settings settings, Disk& disk = system_disk());
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;

    /// There is more to send. Any thread.
    void wake();

    /// Sends no more; what is not acknowledged waits in the journal for the next start.
    void stop();

    struct Figures {
        bool connected = false; ///< has had its WELCOME
        std::uint64_t sent = 0; ///< number of the last record given to a socket
        std::uint64_t acknowledged = 0;
        std::optional<event::Time>
            oldest;        ///< when the decision of the first unacknowledged record fell, if any was read
        std::string error; ///< why there is no connection; "" while there is one
    };
    /// Any thread.
    Figures figures() const;

private:
    /// Octets given to the socket, and the records in them.
    struct InFlight {
        std::uint64_t last;
        std::size_t bytes;
        std::optional<event::Time> oldest;
    };

    Task<void> run();
    Task<std::string> talk();
    std::optional<std::string> connect();
    std::optional<std::string> greet();
    std::optional<std::string> receive(event::Bytes bytes);
    std::optional<std::string> take(const event::Frame& frame);
    std::optional<std::string> take_ack(std::uint64_t sequence);
    void welcome();
    void turn();
    void pump();
    bool fetch();
    bool end_journal();
    void wait_until_writable();
    void note_failure(const std::string& reason);
    void publish();

    asio::io_context& io_;
    Catalogue& catalogue_;
    Settings settings_;
    std::string path_;
    JournalReader reader_;

    StreamSocket socket_;
    Timer retry_; ///< after the journal could not be read
    Timer timer_; ///< the pause before the next try; while greeting, the deadline
    event::FrameDecoder decoder_;
    std::string scratch_;
    bool welcomed_ = false;
    bool journal_ended_ = false; ///< all of it is acknowledged, and another one waits
    std::chrono::steady_clock::time_point welcomed_at_;

    std::string out_;         ///< frames on their way
    std::size_t written_ = 0; ///< octets of out_ that the socket took
    std::deque<InFlight> in_flight_;
    std::size_t in_flight_bytes_ = 0;
    std::atomic<bool> woken_ = false; ///< a turn() is on its way already
    Timer turn_timer_;
    Timer::time_point next_turn_; ///< not before
    bool waiting_writable_ = false;

    std::chrono::milliseconds pause_; ///< before the next try
    bool outage_ = false;             ///< failing, and said so
    bool stopped_ = false;

    mutable std::mutex mutex_;
    Figures figures_; ///< guarded by mutex_
};

/// A sender, its loop and its thread.
class SenderThread {
public:
    SenderThread(Catalogue& catalogue, Sender::Settings settings);
    SenderThread(const SenderThread&) = delete;
    SenderThread& operator=(const SenderThread&) = delete;
    ~SenderThread();

    Sender& sender() { return sender_; }
    const Sender& sender() const { return sender_; }

private:
    asio::io_context io_{1};
    Sender sender_;
    std::thread thread_;
};

} // namespace smtpauth
