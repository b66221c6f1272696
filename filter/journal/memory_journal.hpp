// Keeps records in memory until the collector has acknowledged them: as RECORD frames, ready to be sent.
// Bounded: what does not fit is counted, and the count becomes a LOSS record as soon as there is room. A
// record lives as long as this process, no longer. Knows no socket; one thread, the loop's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "filter/journal/journal.hpp"
#include "proto/event/frame.hpp"

namespace smtpauth {

class MemoryJournal final : public Journal {
public:
    /// What tells this journal and this start of the filter from all others.
    struct Identity {
        std::uint64_t journal = 0;
        std::uint64_t epoch = 0;
    };

    struct Counters {
        std::uint64_t appended = 0; ///< records kept, LOSS records included
        std::uint64_t lost = 0;     ///< records that found no room
    };

    /// @param max_bytes  octets of frames kept, not counting one block that is being filled.
    explicit MemoryJournal(std::size_t max_bytes, Identity identity = random_identity());

    /// Always true: safer than memory it does not get.
    bool append(const event::Record& record, CommitWaiter& waiter) override;

    const Identity& identity() const { return identity_; }

    /// The lowest number that is not acknowledged; the next to be given where all are.
    std::uint64_t first_unacknowledged() const { return acknowledged_ + 1; }
    /// The highest number given, 0 before the first.
    std::uint64_t last() const { return last_; }
    /// Records not acknowledged yet.
    std::uint64_t waiting() const { return last_ - acknowledged_; }
    /// Octets of frames in memory, among them acknowledged ones that share a block with others.
    std::size_t held_bytes() const { return held_bytes_; }
    /// Where the next record's frame will begin.
    std::uint64_t end_position() const { return end_position_; }
    const Counters& counters() const { return counters_; }

    /// Where a record's frame begins, counted in octets of frames since the first record.
    /// @param sequence  first_unacknowledged() to last() + 1, which is where the next one will begin.
    std::uint64_t position_of(std::uint64_t sequence) const;

    /// Whole frames from there on, as many as lie together; empty at the end. Valid until the next trim().
    event::Bytes frames_from(std::uint64_t position) const;

    /// Forgets every record up to and with this number. @return  false for a number that was never given.
    bool trim(std::uint64_t sequence);

    /// Called after a record was appended; one function, or none. It must not append.
    void on_append(std::function<void()> notify) { notify_ = std::move(notify); }

    static Identity random_identity();

private:
    /// Frames back to back. Its octets never move while it grows.
    struct Block {
        std::uint64_t first; ///< the first frame's sequence number
        std::uint64_t last;
        std::uint64_t position; ///< of the first octet
        std::string frames;
    };

    bool keep(const event::Record& record);
    void put(std::string_view frame, std::uint64_t sequence);
    void note_loss(const event::Record& record);
    bool settle_loss();

    std::size_t max_bytes_;
    Identity identity_;
    std::deque<Block> blocks_;
    std::size_t held_bytes_ = 0;
    std::uint64_t last_ = 0;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t end_position_ = 0;
    std::string frame_;           ///< scratch
    event::Record loss_;          ///< what note_loss() has gathered
    std::uint64_t unsettled_ = 0; ///< lost records that no LOSS record tells of yet
    Counters counters_;
    std::function<void()> notify_;
};

} // namespace smtpauth
