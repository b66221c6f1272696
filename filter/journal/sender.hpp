// Streams the journal's records to the collector and trims what it acknowledges. Never waits for it: a
// collector that is away, slow or wrong costs the mail path nothing but memory, up to the journal's bound.
//
// After WELCOME it sends from the first unacknowledged record, many records a write, up to a window of octets
// that the collector has not acknowledged. docs/formats/stream.md is the protocol.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "common/asio.hpp"
#include "common/socket_spec.hpp"
#include "filter/journal/memory_journal.hpp"
#include "proto/event/frame_decoder.hpp"

namespace smtpauth {

/// Lives on the loop's thread, as does the journal; must outlive the loop's last turn.
class Sender {
public:
    /// Connects, and goes on until flush(): a lost connection is tried again after 0.1 s, doubling to 5 s.
    /// @param collector  a UNIX socket, for the collector asks the kernel who connects; another never connects.
    /// @param instance  this filter's name, for people; at most 255 octets.
    Sender(asio::io_context& io, MemoryJournal& journal, const SocketSpec& collector, std::string instance = {});
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;
    ~Sender();

    /// For the end: calls `done` when the collector has acknowledged every record, or after `patience`, whatever
    /// is left then. Nothing is sent afterwards.
    void flush(std::chrono::milliseconds patience, std::function<void()> done);

    /// Has had its WELCOME.
    bool connected() const { return welcomed_; }

private:
    Task<void> run();
    Task<std::string> talk();
    std::optional<std::string> connect();
    std::optional<std::string> greet();
    std::optional<std::string> receive(event::Bytes bytes);
    std::optional<std::string> take(const event::Frame& frame);
    bool was_sent(std::uint64_t sequence) const;
    void welcome();
    void schedule_pump();
    void pump();
    bool window_is_open() const;
    void wait_until_writable();
    void note_failure(const std::string& reason);
    void finish();

    asio::io_context& io_;
    MemoryJournal& journal_;
    std::string path_;
    std::string instance_;

    StreamSocket socket_;
    Timer timer_;    ///< the pause before the next try; while greeting, the deadline
    Timer patience_; ///< of flush()
    event::FrameDecoder decoder_;
    std::string scratch_;
    bool welcomed_ = false;
    std::chrono::steady_clock::time_point welcomed_at_;
    std::uint64_t sent_ = 0; ///< position in the journal up to which the socket took its frames
    bool pump_scheduled_ = false;
    bool waiting_writable_ = false;

    std::chrono::milliseconds pause_; ///< before the next try
    bool outage_ = false;             ///< failing, and said so
    bool finished_ = false;
    std::function<void()> done_; ///< set while flushing
};

} // namespace smtpauth
