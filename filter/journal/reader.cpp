#include "filter/journal/reader.hpp"

#include <fcntl.h>

#include <algorithm>
#include <system_error>
#include <utility>
#include <variant>

#include "common/disk_io.hpp"
#include "common/log.hpp"
#include "filter/journal/damage.hpp"
#include "proto/event/codec.hpp"
#include "proto/event/frame.hpp"

namespace smtpauth {

namespace {

/// What became of a message whose MTA had been told to try again before its record was safe.
std::string as_tempfailed(journal::Bytes bytes)
{
    auto decoded = event::decode(bytes);
    auto* record = std::get_if<event::Record>(&decoded);
    if (!record)
        return std::string(bytes);
    record->action = event::Action::tempfail;
    record->reason = "the journal could not keep the record in time (commit_timeout)";
    std::string out;
    encode(*record, out);
    return out;
}

} // namespace

std::uint64_t JournalReader::seek(std::uint64_t sequence, std::uint64_t own)
{
    close();
    const auto segment = catalogue_.find(sequence + 1);
    next_ = segment ? std::max(sequence + 1, segment->first) : sequence + 1;
    journal_ = segment ? segment->journal : own;
    return journal_;
}

bool JournalReader::journal_ended() const
{
    const auto segment = catalogue_.find(next_);
    return segment && segment->journal != journal_;
}

JournalReader::Chunk JournalReader::read(std::string& out, std::size_t max_bytes)
{
    Chunk chunk;
    while (chunk.last == 0) {
        const auto segment = catalogue_.find(next_);
        if (!segment || segment->journal != journal_ || next_ > catalogue_.released() || !open(*segment))
            return chunk;
        const std::uint64_t left = segment->used_bytes - offset_;
        if (left == 0) {
            bytes_.clear();
            pass_damage(*segment, out, chunk);
        } else if (!load(*segment, std::min<std::uint64_t>(left, max_bytes))) {
            return chunk;
        } else if (take_frames(*segment, out, chunk) == 0) {
            // A record longer than max_bytes, or a damaged place.
            const std::size_t size = journal::claimed_size(bytes_);
            const bool taken =
                size > max_bytes && size <= left && load(*segment, size) && take_frames(*segment, out, chunk) != 0;
            if (!taken && (!load(*segment, left) || !pass_damage(*segment, out, chunk)))
                return chunk;
        }
    }
    return chunk;
}

bool JournalReader::load(const Segment& segment, std::size_t size)
{
    if (read_all(disk_, fd_, size, static_cast<off_t>(offset_), bytes_)) {
        told_unreadable_ = false;
        return true;
    }
    if (!std::exchange(told_unreadable_, true))
        log::error("{}: cannot be read at offset {}: {}", segment.path, offset_,
                   std::generic_category().message(errno));
    return false;
}

/// @return  octets of whole frames passed.
std::size_t JournalReader::take_frames(const Segment& segment, std::string& out, Chunk& chunk)
{
    std::size_t at = 0;
    while (const auto frame = journal::read_frame(journal::Bytes(bytes_).substr(at), segment.journal)) {
        if (frame->sequence > catalogue_.released())
            break;
        emit(*frame, out, chunk);
        at += frame->size();
    }
    offset_ += at;
    return at;
}

/// With all that is left of the segment in bytes_, and no frame at its beginning.
bool JournalReader::pass_damage(const Segment& segment, std::string& out, Chunk& chunk)
{
    const auto frame = journal::read_frame(bytes_, segment.journal);
    if (frame)
        return false; // all is well, but not released yet
    auto scan = journal::scan(bytes_, segment.journal, next_, {});
    if (scan.damages.empty())
        scan.damages.push_back({0, bytes_.size(), next_, segment.last, true});
    journal::Damage damage = scan.damages.front();
    offset_ += damage.size;
    damage.offset = offset_ - damage.size;
    damage.was_synced = true;
    log::error("{}", text_of(damage, segment.path));
    if (damage.records() == 0)
        return true;
    damage.size = std::max(damage.size, smallest_damage_frame);
    const std::string loss = frame_for_damage(segment.path, segment.journal, damage, 0);
    if (const auto told = journal::read_frame(loss, segment.journal))
        emit(*told, out, chunk);
    next_ = std::max(next_, damage.last + 1);
    return true;
}

void JournalReader::emit(const journal::Frame& frame, std::string& out, Chunk& chunk)
{
    if (frame.sequence < next_)
        return;
    if (chunk.last == 0)
        if (const auto decoded = event::decode(frame.record); const auto* record = std::get_if<event::Record>(&decoded))
            chunk.oldest = record->eom_time;
    if (catalogue_.is_void(frame.sequence))
        event::append_record_frame(out, frame.sequence, as_tempfailed(frame.record));
    else
        event::append_record_frame(out, frame.sequence, frame.record);
    chunk.last = frame.sequence;
    next_ = frame.sequence + 1;
}

bool JournalReader::open(const Segment& segment)
{
    if (fd_ >= 0 && path_ == segment.path)
        return true;
    if (path_ != segment.path)
        close();
    fd_ = disk_.open(segment.path, O_RDONLY, 0);
    if (fd_ < 0) {
        if (!std::exchange(told_unreadable_, true))
            log::error("{}: cannot be opened: {}", segment.path, std::generic_category().message(errno));
        return false;
    }
    path_ = segment.path;
    return true;
}

void JournalReader::rest()
{
    if (fd_ >= 0)
        disk_.close(std::exchange(fd_, -1));
}

void JournalReader::close()
{
    rest();
    path_.clear();
    offset_ = 0;
}

} // namespace smtpauth
