#include "filter/journal/damage.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "proto/event/codec.hpp"

namespace smtpauth {

std::string text_of(const journal::Damage& damage, const std::string& path)
{
    if (damage.records() == 0)
        return fmt::format("{}: {} octets at offset {} are damaged; no record is lost", path, damage.size,
                           damage.offset);
    return fmt::format("{}: {} octets at offset {} are damaged: records {} to {} are lost{}", path, damage.size,
                       damage.offset, damage.first, damage.last,
                       damage.was_synced ? "" : "; they had not been on the disk yet");
}

std::string frame_for_damage(const std::string& path, std::uint64_t journal, const journal::Damage& damage,
                             std::uint64_t synced)
{
    event::Record record;
    record.type = damage.was_synced ? event::RecordType::loss : event::RecordType::void_record;
    record.count = damage.records();
    const std::size_t size = damage.size - journal::header_size;
    std::string bytes;
    encode(record, bytes);
    // As much of the reason as has room, beside the padding's own header.
    const std::size_t fixed = bytes.size() + 2 * event::field_header_size;
    if (size > fixed)
        record.reason = text_of(damage, path).substr(0, size - fixed);
    std::string out;
    const std::size_t begin = journal::begin_frame(out);
    encode(record, out);
    if (out.size() < damage.size)
        event::append_padding(out, damage.size - out.size());
    journal::end_frame(out, begin, journal, damage.last, synced);
    return out;
}

} // namespace smtpauth
