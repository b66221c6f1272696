// The journal's files: appends records, finds them again after a crash, and forgets what nobody needs any more. Knows
// numbers and octets, nothing of what a record says. Blocks on the disk: one thread at a time (journal_writer.hpp).
//
// Segments are files `<journal>-<first number>.j1`, preallocated and filled with zeros: writing into them changes no
// metadata, which makes a sync cheaper. A write or a sync that failed is never tried again on the same file: the
// segment ends before it, and the records go to a new one. docs/formats/journal.md
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/disk.hpp"
#include "filter/journal/catalogue.hpp"
#include "filter/journal/state_page.hpp"
#include "proto/journal/frame.hpp"

namespace smtpauth {

class JournalStore {
public:
    struct Settings {
        std::string directory;
        std::uint64_t max_bytes = 0;     ///< of records in all segments
        std::uint64_t segment_bytes = 0; ///< of a file; a record that is longer gets a file of its own
        bool syncs = true;               ///< write() makes records outlast a power cut
    };

    /// What became of records given to write().
    enum class Kept {
        yes,
        full,   ///< max_bytes or the disk's space is used up
        failed, ///< the disk refuses; error() says how
    };

    /// Reads what is there, cuts unfinished ends, and mends damaged places so that they are told once.
    /// @param journal  id of the records to come: another one at each start, so that no number is ever used twice.
    /// @param visit  sees each record that is there, in order, those that the catalogue calls acknowledged too; may be
    /// empty.
    /// Throws std::runtime_error where the directory cannot be read.
    JournalStore(Disk& disk, Settings settings, std::uint64_t journal, Catalogue& catalogue,
                 const std::function<void(const journal::Frame&)>& visit);
    JournalStore(const JournalStore&) = delete;
    JournalStore& operator=(const JournalStore&) = delete;
    /// Cuts the newest segment to its used length. Writes no state: save_position() does.
    ~JournalStore();

    /// Of the last record found at the start, or written since.
    std::uint64_t last() const { return last_; }

    /// Appends frames, whole and back to back; all or nothing.
    Kept write(journal::Bytes frames, std::uint64_t first, std::uint64_t last);

    /// The same for one record where that takes a single write: into a segment that has room. Does not sync.
    /// @return  false: the record is for write().
    bool write_now(journal::Bytes frame, std::uint64_t sequence);

    /// Makes records and losses outlast a power cut, where write() does not. @return  false: see error().
    bool flush();

    /// How far those have come who read the journal.
    struct Passed {
        std::uint64_t sender = 0; ///< acknowledged by the collector
        std::uint64_t all = 0;    ///< the slowest of all consumers
    };

    /// Deletes the segments whose records all consumers have passed. Where the journal is half full, or its disk takes
    /// no more, what the sender has passed: nobody else's delay may refuse mail.
    void trim(Passed passed);

    /// Does a bounded part of preparing the next segment: where the disk has nothing better to do, or it will be needed
    /// soon.
    /// @return  true: there is more to do.
    bool prepare(bool idle);
    /// prepare() has something to do although the disk may have better.
    bool needs_spare() const;

    const JournalState& state() const { return page_.state(); }
    /// Counts the records of numbers `first` to `last` as lost, safely as far as the disk allows; a LOSS record that
    /// was not kept is among them.
    /// @return  false: in memory only.
    bool note_losses(const Losses& more, std::uint64_t first, std::uint64_t last, std::uint64_t time_ms);
    /// Before the write() of record `sequence`, which tells of so many losses in all.
    /// @return  false: it could not be noted, so the record is not to be written now.
    bool begin_settling(std::uint64_t sequence, const Losses& told);
    /// After a write() that kept it; one that did not is for note_losses().
    void end_settling();
    /// Writes down how far trim() was told that the sender has come, and what could not be written before.
    void save_position();

    std::uint64_t used_bytes() const { return used_bytes_; }
    /// The last failure: what, where, why.
    const std::string& error() const { return error_; }

private:
    void recover(const std::function<void(const journal::Frame&)>& visit);
    void recover(Segment segment, std::uint64_t next_first, const std::function<void(const journal::Frame&)>& visit);
    std::size_t octets_without_lost(journal::Bytes bytes, const Segment& segment) const;
    void mend(const std::string& path, int fd, std::uint64_t journal, const journal::Damage& damage,
              std::uint64_t synced);
    void recover_position(const std::vector<Segment>& found);
    void recover_losses(bool told);
    bool has_room(std::size_t size);
    bool append(journal::Bytes frames);
    void take(std::size_t size, std::uint64_t last);
    bool sync();
    bool roll(std::uint64_t first, std::size_t size);
    bool fill_spare(std::uint64_t up_to);
    void leave_segment();
    void abandon_segment();
    bool cut_abandoned();
    void end_segment();
    void drop(const Segment& segment);
    bool fail(const std::string& what, const std::string& path);
    std::string spare_path() const;

    Disk& disk_;
    Settings settings_;
    std::uint64_t journal_;
    Catalogue& catalogue_;
    StatePage page_;

    std::deque<Segment> segments_; ///< without records that were trimmed
    std::uint64_t used_bytes_ = 0; ///< of all of them
    std::uint64_t last_ = 0;
    Passed passed_;                    ///< what trim() was told
    std::uint64_t sender_journal_ = 0; ///< whose number the sender's is
    bool told_deleted_ = false;        ///< what others had not passed
    bool disk_refuses_ = false;        ///< the last record

    int fd_ = -1;            ///< of segments_.back(); -1: the next write begins a segment
    std::uint64_t room_ = 0; ///< octets that its file was made for
    bool unsynced_ = false;
    bool name_unsynced_ = false;
    std::optional<Segment> to_cut_; ///< an abandoned one that may hold what failed; nothing is written before it is cut
    bool first_loss_of_cut_ = false;
    int spare_fd_ = -1;
    std::uint64_t spare_filled_ = 0; ///< octets of zeros in the file to become the next segment
    bool spare_failed_ = false;      ///< until a segment was deleted: there is no room
    std::string error_;
    int error_number_ = 0;
};

} // namespace smtpauth
