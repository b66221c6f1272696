// The few numbers beside the journal's records that must outlive the process: what was acknowledged, and how many
// records were lost for want of room. Written in place, in three copies by turns: a kill tears the one that is being
// written, a power cut those that are not synced, and the last synced one is never written over.
#pragma once

#include <cstdint>
#include <string>

#include "common/disk.hpp"

namespace smtpauth {

inline constexpr mode_t journal_file_mode = 0640;

/// Records that could not be kept, since the journal began.
struct Losses {
    std::uint64_t messages = 0; ///< passed without a record
    std::uint64_t others = 0;   ///< refusals and the like, answered without a record

    bool operator==(const Losses&) const = default;
};

struct JournalState {
    std::uint64_t acknowledged = 0;         ///< a cache: too low costs records sent twice, which the collector drops
    std::uint64_t acknowledged_journal = 0; ///< whose number that is: after a restored backup numbers alone say nothing
    Losses lost;
    Losses settled;                      ///< of those, told by LOSS records
    Losses settling;                     ///< what `settled` is once record `settling_sequence` stands in the journal
    std::uint64_t settling_sequence = 0; ///< 0: none
    std::uint64_t lost_first =
        0; ///< numbers of the records lost last: what a file may still have of them does not count
    std::uint64_t lost_last = 0;
    std::uint64_t first_lost_ms = 0; ///< since 1970 UTC: where in the log the hole is
    std::uint64_t last_lost_ms = 0;

    bool operator==(const JournalState&) const = default;
};

/// One thread at a time; blocks on the disk.
class StatePage {
public:
    /// Reads the page, or makes it: a full disk must not keep it from being written. Where it is missing or damaged,
    /// state() is as of a new journal. Throws std::runtime_error where the disk does not say which.
    StatePage(Disk& disk, std::string path);
    StatePage(const StatePage&) = delete;
    StatePage& operator=(const StatePage&) = delete;
    ~StatePage();

    const JournalState& state() const { return state_; }
    /// state() stands in the file.
    bool is_saved() const { return saved_; }

    /// Takes the state over, also where it cannot be written. @param sync  must outlast a power cut; so it is, too,
    /// after a failure.
    /// @return  false, with errno, where it could not be written: the copy before it still holds.
    bool save(const JournalState& state, bool sync);

    /// What was saved without sync is to outlast a power cut now. @return  false, with errno, where it will not.
    bool sync();

private:
    void read();
    [[noreturn]] void throw_unreadable();
    bool open();
    unsigned free_place() const;
    bool give_up();
    void close();

    Disk& disk_;
    std::string path_;
    int fd_ = -1;
    JournalState state_;
    bool saved_ = true;
    std::uint64_t generation_ = 0; ///< of the newest copy
    unsigned place_ = 0;           ///< where it stands
    unsigned synced_place_ = 0;
};

} // namespace smtpauth
