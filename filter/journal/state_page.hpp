// The few numbers beside the journal's records that must outlive the process: what was acknowledged, and how many
// records were lost for want of room. Written in place, in two copies by turns: one of them is whole at any time.
#pragma once

#include <cstdint>
#include <string>

#include "common/disk.hpp"

namespace smtpauth {

/// Records that could not be kept, since the journal began.
struct Losses {
    std::uint64_t messages = 0; ///< passed without a record
    std::uint64_t others = 0;   ///< refusals and the like, answered without a record

    bool operator==(const Losses&) const = default;
};

struct JournalState {
    std::uint64_t acknowledged = 0; ///< a cache: too low costs records sent twice, which the collector drops
    Losses lost;
    Losses settled;                      ///< of those, told by LOSS records
    Losses settling;                     ///< what `settled` is once record `settling_sequence` stands in the journal
    std::uint64_t settling_sequence = 0; ///< 0: none
    std::uint64_t first_lost_ms = 0;     ///< since 1970 UTC: where in the log the hole is
    std::uint64_t last_lost_ms = 0;

    bool operator==(const JournalState&) const = default;
};

/// One thread at a time; blocks on the disk.
class StatePage {
public:
    /// Reads the page. Where it is missing or damaged, state() is as of a new journal.
    StatePage(Disk& disk, std::string path);
    StatePage(const StatePage&) = delete;
    StatePage& operator=(const StatePage&) = delete;
    ~StatePage();

    const JournalState& state() const { return state_; }

    /// Takes the state over, also where it cannot be written. @param sync  must outlast a power cut.
    /// @return  false, with errno, where it could not be written: the copy before it still holds.
    bool save(const JournalState& state, bool sync);

private:
    bool open();
    void close();

    Disk& disk_;
    std::string path_;
    int fd_ = -1;
    JournalState state_;
    std::uint64_t generation_ = 0; ///< of the last copy written; its parity is the copy's place
};

} // namespace smtpauth
