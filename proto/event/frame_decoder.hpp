// Cuts the byte stream between filter and collector into frames, in either direction. Knows framing only:
// bodies are frame.hpp's, sockets nobody's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proto/event/frame.hpp"

namespace smtpauth::event {

class FrameDecoder {
public:
    /// @param max_length  largest accepted length field, in octets, at least 1.
    explicit FrameDecoder(std::uint32_t max_length = max_frame_length) : max_length_(max_length) {}

    /// Takes bytes as they were read, any number. Only borrowed: they must stay until next() has returned
    /// nothing, and feed() must not be called before that. Drops them once failed.
    void feed(Bytes bytes);

    /// The next whole frame, or nothing: then feed() more, or stop if failed(). What the frame points to is
    /// in the fed bytes, or in this decoder where the frame came in pieces, until the next call.
    std::optional<Frame> next();

    /// A length or a body that cannot be. Final: a stream out of step cannot be put back in step, so the
    /// caller closes the connection.
    bool failed() const { return !error_.empty(); }

    /// What was found and what was expected, for the log; empty unless failed().
    const std::string& error() const { return error_; }

    /// Octets of memory that an unfinished frame holds.
    std::size_t held_bytes() const { return kept_.capacity(); }

private:
    std::optional<Bytes> next_whole();
    bool complete_kept();
    bool judge_length(std::uint64_t length);

    Bytes fed_;          ///< what next() has not taken yet, the caller's
    std::string kept_;   ///< the beginning of a frame that came in pieces
    bool taken_ = false; ///< kept_ is a whole frame that next() has handed out
    std::uint32_t max_length_;
    std::string error_;
};

} // namespace smtpauth::event
