// Reads the journal's files for the sender: records become RECORD frames of the stream. Blocks on the disk; the
// sender's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/disk.hpp"
#include "filter/journal/catalogue.hpp"
#include "proto/event/record.hpp"
#include "proto/journal/frame.hpp"

namespace smtpauth {

class JournalReader {
public:
    JournalReader(Disk& disk, const Catalogue& catalogue) : disk_(disk), catalogue_(catalogue) {}
    JournalReader(const JournalReader&) = delete;
    JournalReader& operator=(const JournalReader&) = delete;
    ~JournalReader() { close(); }

    /// Goes to the first record behind `sequence`. @return  its journal; `own` where all that is there was passed.
    std::uint64_t seek(std::uint64_t sequence, std::uint64_t own);

    struct Chunk {
        std::uint64_t last = 0;            ///< number of the last record appended; 0: none
        std::optional<event::Time> oldest; ///< when the first one's decision fell
    };

    /// Appends frames, as many as stand in about `max_bytes` of the file, none of a journal other than seek()'s and
    /// none that is not released. A damaged place becomes a LOSS record; a file that cannot be read is tried again each
    /// time.
    Chunk read(std::string& out, std::size_t max_bytes);

    /// Closes the file until there is more to read: a segment that is deleted meanwhile must give its room back.
    void rest();

    /// The last read() failed: it is to be tried again after a while.
    bool is_failing() const { return told_unreadable_; }

    /// Nothing of seek()'s journal is left to read, and there is another one behind it.
    bool journal_ended() const;

private:
    bool open(const Segment& segment);
    void close();
    std::size_t take_frames(const Segment& segment, std::string& out, Chunk& chunk);
    bool pass_damage(const Segment& segment, std::string& out, Chunk& chunk);
    void emit(const journal::Frame& frame, std::string& out, Chunk& chunk);
    bool load(const Segment& segment, std::size_t size);

    Disk& disk_;
    const Catalogue& catalogue_;
    std::uint64_t journal_ = 0;
    std::uint64_t next_ = 1; ///< number of the next record to read
    std::string path_;       ///< of the open segment
    int fd_ = -1;
    std::uint64_t offset_ = 0; ///< in it
    std::string bytes_;        ///< scratch
    bool told_unreadable_ = false;
};

} // namespace smtpauth
