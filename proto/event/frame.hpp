// The record stream between filter and collector, in both directions: values <-> frames. Knows no socket, and
// of a record only where it begins and ends (codec.hpp); frame_decoder.hpp cuts the byte stream into frames.
//
//     frame := length:u32, big-endian | kind:u8 | body:byte[length - 1]
//
// filter: HELLO            -> collector
//         WELCOME          <- collector
//         RECORD*          -> collector; <- ACK, cumulative; the filter may PING
// docs/formats/stream.md tells the whole story.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "proto/event/record.hpp"
#include "proto/event/tlv.hpp"

namespace smtpauth::event {

/// The versions of the stream that this code speaks.
inline constexpr std::uint16_t lowest_version = 1;
inline constexpr std::uint16_t highest_version = 1;

/// Kinds of frames; 6 is given away, so that nobody else takes it.
enum class FrameKind : std::uint8_t {
    hello = 1,
    welcome = 2,
    record = 3,
    ack = 4,
    ping = 5,
    verdict = 6, ///< the collector's judgement of an account; unused in version 1
};

/// The filter's first frame.
struct Hello {
    std::uint16_t lowest_version = event::lowest_version;
    std::uint16_t highest_version = event::highest_version;
    std::uint64_t journal = 0;              ///< whose sequence numbers follow
    std::uint64_t first_unacknowledged = 1; ///< the first RECORD's number, once there is one
    std::string instance;                   ///< the filter's name, for people; at most 255 octets

    bool operator==(const Hello&) const = default;
};

/// The collector's answer: the version that both speak from here on.
struct Welcome {
    std::uint16_t version = 0;

    bool operator==(const Welcome&) const = default;
};

struct RecordFrame {
    std::uint64_t sequence = 0;
    Bytes record; ///< for decode(); points into the frame's bytes

    bool operator==(const RecordFrame&) const = default;
};

/// Every record up to and with this number is as safe as the collector's settings ask.
struct Ack {
    std::uint64_t sequence = 0;

    bool operator==(const Ack&) const = default;
};

/// Asks the collector for an ACK of what it has; nothing from the collector to the filter.
struct Ping {
    bool operator==(const Ping&) const = default;
};

/// A kind that this version does not know: skip it.
struct UnknownFrame {
    std::uint8_t kind = 0;

    bool operator==(const UnknownFrame&) const = default;
};

using Frame = std::variant<Hello, Welcome, RecordFrame, Ack, Ping, UnknownFrame>;

/// The largest length field that either side accepts, in octets.
inline constexpr std::uint32_t max_frame_length = 8 * 1024 * 1024;

/// Append one frame each.
void append_frame(std::string& out, const Hello& hello);
void append_frame(std::string& out, const Welcome& welcome);
void append_frame(std::string& out, const Ack& ack);
void append_frame(std::string& out, const Ping& ping);
/// @param record  encoded. A frame above 4 + max_frame_length is refused by the other side.
void append_record_frame(std::string& out, std::uint64_t sequence, Bytes record);

/// @param frame  kind and body, at least one octet; the Frame points into it.
/// @return  nothing, with `error` set to what was found and expected, where the body is not the kind's.
std::optional<Frame> parse_frame(Bytes frame, std::string& error);

/// The highest version that both sides speak; nothing where there is none.
std::optional<std::uint16_t> common_version(const Hello& hello);

} // namespace smtpauth::event
