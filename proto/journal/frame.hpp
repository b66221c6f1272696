// A record as it stands in a journal's file, and back. Knows no file and nothing of what a record says.
//
//     frame := length:u32 | checksum:u32 | sequence:u64 | synced:u64 | record:byte[length], numbers big-endian
//
// The checksum (CRC32C) covers the journal's id and all of the frame but itself: what is damaged, and what another
// journal left behind, is never taken for a record. Frames stand back to back; the zeros of a preallocated file follow
// the last. docs/formats/journal.md
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtpauth::journal {

using Bytes = std::string_view;

inline constexpr std::size_t header_size = 24;

/// The longest record, in octets: what one frame of the stream can carry.
inline constexpr std::size_t max_record_size = std::size_t{8} * 1024 * 1024 - 64;

struct Frame {
    std::uint64_t sequence = 0;
    std::uint64_t synced = 0; ///< every record up to this number was on the disk when this one was written
    Bytes record;             ///< points into what was read

    std::size_t size() const { return header_size + record.size(); }
};

/// Appends room for a header; the record is to be appended after it. @return  where the frame begins.
std::size_t begin_frame(std::string& out);

/// Fills in the header of the frame that begins at `begin` and ends where `out` ends.
void end_frame(std::string& out, std::size_t begin, std::uint64_t journal, std::uint64_t sequence,
               std::uint64_t synced);

/// The frame that begins `bytes`; nothing where none does: at the end, or where one is damaged.
std::optional<Frame> read_frame(Bytes bytes, std::uint64_t journal);

/// Octets of the frame that seems to begin `bytes`, whole or not; 0 where none can.
std::size_t claimed_size(Bytes bytes);

/// Octets between readable frames that are none.
struct Damage {
    std::size_t offset = 0; ///< of the first damaged octet
    std::size_t size = 0;
    std::uint64_t first = 0; ///< sequence number of the first record lost
    std::uint64_t last = 0;  ///< first - 1 where none was
    bool was_synced =
        false; ///< the first had been on the disk: the disk lost it. Else a power cut tore what was on its way.

    std::uint64_t records() const { return last + 1 - first; }
};

struct Scan {
    std::size_t used = 0;    ///< octets up to the end of the last readable frame
    std::uint64_t first = 0; ///< sequence numbers of the first and last readable frame, 0: there is none
    std::uint64_t last = 0;
    std::vector<Damage> damages;
    std::size_t unfinished = 0; ///< octets after `used` up to the last that is not zero: a torn or damaged end
};

/// Walks over a whole file. Behind damage it looks for the next frame at each octet: at most the hit records are lost.
/// @param first  the sequence number that the file begins with.
/// @param visit  called for each readable frame, in order; may be empty.
Scan scan(Bytes file, std::uint64_t journal, std::uint64_t first, const std::function<void(const Frame&)>& visit);

} // namespace smtpauth::journal
