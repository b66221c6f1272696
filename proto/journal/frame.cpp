#include "proto/journal/frame.hpp"

#include <algorithm>

#include "proto/event/tlv.hpp"
#include "proto/journal/crc32c.hpp"

namespace smtpauth::journal {

namespace {

using event::append_big_endian;
using event::read_big_endian;

constexpr std::size_t length_at = 0;
constexpr std::size_t checksum_at = 4;
constexpr std::size_t sequence_at = 8;
constexpr std::size_t synced_at = 16;

std::uint32_t checksum(Bytes frame, std::uint64_t journal)
{
    std::string seed;
    append_big_endian(seed, journal, 8);
    seed.append(frame.substr(length_at, checksum_at));
    return crc32c(frame.substr(sequence_at), crc32c(seed));
}

/// Could a frame begin here? Spares the checksum of all that stands behind nearly every octet of a damaged place.
bool is_plausible(Bytes bytes, std::uint64_t lowest, std::uint64_t highest)
{
    if (bytes.size() < header_size)
        return false;
    const std::uint64_t length = read_big_endian(bytes.substr(length_at, 4));
    const std::uint64_t sequence = read_big_endian(bytes.substr(sequence_at, 8));
    return length != 0 && length <= bytes.size() - header_size && sequence >= lowest && sequence <= highest;
}

/// The offset of the next readable frame at or behind `offset` and before `end`, which is returned where there is none.
std::size_t find_frame(Bytes bytes, std::size_t offset, std::size_t end, std::uint64_t journal, std::uint64_t lowest)
{
    const std::uint64_t highest = lowest + bytes.size() / header_size;
    for (; offset < end; ++offset)
        if (is_plausible(bytes.substr(offset), lowest, highest) && read_frame(bytes.substr(offset), journal))
            return offset;
    return offset;
}

} // namespace

std::size_t begin_frame(std::string& out)
{
    const std::size_t begin = out.size();
    out.append(header_size, '\0');
    return begin;
}

void end_frame(std::string& out, std::size_t begin, std::uint64_t journal, std::uint64_t sequence, std::uint64_t synced)
{
    event::put_big_endian(out, begin + length_at, out.size() - begin - header_size, 4);
    event::put_big_endian(out, begin + sequence_at, sequence, 8);
    event::put_big_endian(out, begin + synced_at, synced, 8);
    event::put_big_endian(out, begin + checksum_at, checksum(Bytes(out).substr(begin), journal), 4);
}

std::size_t claimed_size(Bytes bytes)
{
    if (bytes.size() < header_size)
        return 0;
    const std::uint64_t length = read_big_endian(bytes.substr(length_at, 4));
    return length == 0 || length > max_record_size ? 0 : header_size + length;
}

std::optional<Frame> read_frame(Bytes bytes, std::uint64_t journal)
{
    const std::size_t size = claimed_size(bytes);
    if (size == 0 || size > bytes.size())
        return std::nullopt;
    const Bytes frame = bytes.substr(0, size);
    if (read_big_endian(frame.substr(checksum_at, 4)) != checksum(frame, journal))
        return std::nullopt;
    return Frame{read_big_endian(frame.substr(sequence_at, 8)), read_big_endian(frame.substr(synced_at, 8)),
                 frame.substr(header_size)};
}

Scan scan(Bytes file, std::uint64_t journal, std::uint64_t first, const std::function<void(const Frame&)>& visit)
{
    Scan result;
    // No frame begins among the zeros of a preallocated file, though one may end there.
    const std::size_t end = file.find_last_not_of('\0') + 1;
    std::uint64_t expected = first;
    for (std::size_t offset = 0; offset < end;) {
        auto frame = read_frame(file.substr(offset), journal);
        if (!frame || frame->sequence < expected) {
            const std::size_t next = find_frame(file, offset + 1, end, journal, expected);
            if (next == end)
                break;
            frame = read_frame(file.substr(next), journal);
            result.damages.push_back({offset, next - offset, expected, frame->sequence - 1, false});
            offset = next;
        }
        for (Damage& damage : result.damages)
            damage.was_synced = damage.was_synced || frame->synced >= damage.first;
        if (visit)
            visit(*frame);
        if (result.first == 0)
            result.first = frame->sequence;
        result.last = frame->sequence;
        expected = frame->sequence + 1;
        offset += frame->size();
        result.used = offset;
    }
    if (end > result.used)
        result.unfinished = end - result.used;
    return result;
}

} // namespace smtpauth::journal
