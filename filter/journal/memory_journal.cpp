#include "filter/journal/memory_journal.hpp"

#include <algorithm>
#include <cassert>
#include <random>
#include <utility>

#include <fmt/format.h>

namespace smtpauth {

namespace {

/// Octets allocated at once; a larger frame gets a block of its own.
constexpr std::size_t block_size = std::size_t{64} * 1024;

/// Octets before a frame's length counts.
constexpr std::size_t length_size = 4;

} // namespace

MemoryJournal::MemoryJournal(std::size_t max_bytes, Identity identity) : max_bytes_(max_bytes), identity_(identity) {}

MemoryJournal::Identity MemoryJournal::random_identity()
{
    std::random_device source;
    const auto number = [&source] { return std::uint64_t{source()} << 32 | source(); };
    return {number(), number()};
}

bool MemoryJournal::append(const event::Record& record, CommitWaiter&)
{
    if (!settle_loss() || !keep(record))
        note_loss(record);
    else if (notify_)
        notify_();
    return true;
}

/// @return  false where there is no room.
bool MemoryJournal::keep(const event::Record& record)
{
    frame_.clear();
    const std::size_t size = append_record_frame(frame_, last_ + 1, record);
    if (held_bytes_ + size > max_bytes_ || size > length_size + event::max_frame_length)
        return false;
    put(frame_, ++last_);
    ++counters_.appended;
    return true;
}

void MemoryJournal::put(std::string_view frame, std::uint64_t sequence)
{
    if (blocks_.empty() || blocks_.back().frames.capacity() - blocks_.back().frames.size() < frame.size()) {
        blocks_.push_back({sequence, sequence, end_position_, {}});
        blocks_.back().frames.reserve(std::max(block_size, frame.size()));
    }
    Block& block = blocks_.back();
    block.frames.append(frame);
    block.last = sequence;
    held_bytes_ += frame.size();
    end_position_ += frame.size();
}

void MemoryJournal::note_loss(const event::Record& record)
{
    if (unsettled_ == 0) {
        loss_ = {};
        loss_.type = event::RecordType::loss;
    }
    // The times are the first and the last lost record's: where in the log the hole is.
    if (unsettled_ == 0)
        loss_.connect_time = record.eom_time;
    loss_.eom_time = record.eom_time;
    loss_.count = ++unsettled_;
    ++counters_.lost;
}

/// Tells of lost records, if there are any. @return  false where there is no room for that either.
bool MemoryJournal::settle_loss()
{
    if (unsettled_ == 0)
        return true;
    loss_.reason = fmt::format("{} records lost: no room in queue_max_bytes = {}", unsettled_, max_bytes_);
    if (!keep(loss_))
        return false;
    unsettled_ = 0;
    if (notify_)
        notify_();
    return true;
}

std::uint64_t MemoryJournal::position_of(std::uint64_t sequence) const
{
    assert(sequence > acknowledged_ && sequence <= last_ + 1);
    const auto block = std::partition_point(blocks_.begin(), blocks_.end(),
                                            [sequence](const Block& candidate) { return candidate.last < sequence; });
    if (block == blocks_.end())
        return end_position_;
    std::size_t offset = 0;
    for (std::uint64_t at = block->first; at < sequence; ++at)
        offset += length_size + event::read_big_endian(event::Bytes(block->frames).substr(offset, length_size));
    return block->position + offset;
}

event::Bytes MemoryJournal::frames_from(std::uint64_t position) const
{
    const auto block = std::partition_point(blocks_.begin(), blocks_.end(), [position](const Block& candidate) {
        return candidate.position + candidate.frames.size() <= position;
    });
    if (block == blocks_.end())
        return {};
    assert(position >= block->position);
    return event::Bytes(block->frames).substr(position - block->position);
}

bool MemoryJournal::trim(std::uint64_t sequence)
{
    if (sequence > last_)
        return false;
    acknowledged_ = std::max(acknowledged_, sequence);
    while (!blocks_.empty() && blocks_.front().last <= acknowledged_) {
        held_bytes_ -= blocks_.front().frames.size();
        blocks_.pop_front();
    }
    settle_loss();
    return true;
}

} // namespace smtpauth
