// What the journal's files hold and how far each side has come with them: where the writer, the loop and the sender
// meet. Any thread; locks for a few instructions, never during I/O.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace smtpauth {

/// One file of the journal.
struct Segment {
    std::string path;
    std::uint64_t journal = 0;    ///< whose numbers these are: part of each record's id
    std::uint64_t first = 0;      ///< sequence number of its first record
    std::uint64_t last = 0;       ///< of its last; first - 1 while it has none
    std::uint64_t used_bytes = 0; ///< what stands behind is none of ours
};

class Catalogue {
public:
    // The writer's side.

    /// Segments come in the order of their numbers.
    void add(const Segment& segment);
    /// The newest segment has grown.
    void grow(std::uint64_t last, std::uint64_t used_bytes);
    void remove(const std::string& path);

    // The loop's side.

    /// Every record up to this number may be sent: its answer is decided.
    void release(std::uint64_t sequence) { released_ = sequence; }
    /// The record's message was answered otherwise before the record was safe.
    void make_void(std::uint64_t sequence);

    // The sender's side.

    std::uint64_t released() const { return released_; }
    /// Every record up to this number is safe with the collector.
    std::uint64_t acknowledged() const { return acknowledged_; }
    /// Forgets nothing by itself: the writer trims what all consumers have passed.
    void acknowledge(std::uint64_t sequence);
    /// The segment that holds this number or, where it is gone, the first one behind it.
    std::optional<Segment> find(std::uint64_t sequence) const;
    bool is_void(std::uint64_t sequence) const;

private:
    mutable std::mutex mutex_;
    std::deque<Segment> segments_;
    std::set<std::uint64_t> voids_; ///< numbers of records that are not acknowledged yet
    std::atomic<std::uint64_t> released_ = 0;
    std::atomic<std::uint64_t> acknowledged_ = 0;
};

} // namespace smtpauth
