#include "proto/event/frame_decoder.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace smtpauth::event {

namespace {

constexpr std::size_t length_size = 4;

/// A kept buffer above this is given back once its frame was taken.
constexpr std::size_t kept_capacity = std::size_t{64} * 1024;

} // namespace

void FrameDecoder::feed(Bytes bytes)
{
    assert(fed_.empty());
    if (!failed())
        fed_ = bytes;
}

std::optional<Frame> FrameDecoder::next()
{
    if (taken_) {
        kept_.clear();
        if (kept_.capacity() > kept_capacity)
            kept_.shrink_to_fit();
        taken_ = false;
    }
    const auto whole = failed() ? std::nullopt : next_whole();
    if (!whole)
        return std::nullopt;
    std::string error;
    auto frame = parse_frame(*whole, error);
    if (!frame) {
        error_ = std::move(error);
        fed_ = {};
    }
    return frame;
}

/// Kind and body of the next frame.
std::optional<Bytes> FrameDecoder::next_whole()
{
    if (!kept_.empty()) {
        if (!complete_kept())
            return std::nullopt;
        taken_ = true;
        return Bytes(kept_).substr(length_size);
    }
    if (fed_.size() >= length_size) {
        const std::uint64_t length = read_big_endian(fed_.substr(0, length_size));
        if (!judge_length(length))
            return std::nullopt;
        if (fed_.size() - length_size >= length) {
            const Bytes whole = fed_.substr(length_size, length);
            fed_.remove_prefix(length_size + length);
            return whole;
        }
    }
    kept_.assign(fed_);
    fed_ = {};
    return std::nullopt;
}

/// Moves what is missing of the kept frame, and no more, over from the fed bytes.
bool FrameDecoder::complete_kept()
{
    const auto grow_to = [this](std::size_t size) {
        const std::size_t missing = std::min(size - kept_.size(), fed_.size());
        kept_.append(fed_.substr(0, missing));
        fed_.remove_prefix(missing);
        return kept_.size() == size;
    };
    if (kept_.size() < length_size && !grow_to(length_size))
        return false;
    const std::uint64_t length = read_big_endian(Bytes(kept_).substr(0, length_size));
    return judge_length(length) && grow_to(length_size + length);
}

/// Judges the length before anything waits for the bytes that it announces.
bool FrameDecoder::judge_length(std::uint64_t length)
{
    if (length >= 1 && length <= max_length_)
        return true;
    error_ = "event frame length " + std::to_string(length) + ", expected 1 to " + std::to_string(max_length_);
    fed_ = {};
    return false;
}

} // namespace smtpauth::event
