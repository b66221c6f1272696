// The record stream. Properties: the same bytes give the same frames and the same end, at once or in pieces; a
// record that decodes comes out the same after encode and decode; held memory stays in proportion to the input.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "proto/event/codec.hpp"
#include "proto/event/frame_decoder.hpp"

namespace {

using namespace smtpauth::event;

void require(bool property)
{
    if (!property)
        std::abort();
}

/// Puts a frame into bytes again: equal frames give equal bytes.
std::string written(const Frame& frame)
{
    std::string bytes;
    if (const auto* hello = std::get_if<Hello>(&frame))
        append_frame(bytes, *hello);
    else if (const auto* welcome = std::get_if<Welcome>(&frame))
        append_frame(bytes, *welcome);
    else if (const auto* ack = std::get_if<Ack>(&frame))
        append_frame(bytes, *ack);
    else if (const auto* record = std::get_if<RecordFrame>(&frame))
        bytes.append("R").append(std::to_string(record->sequence)).append(record->record);
    else if (const auto* unknown = std::get_if<UnknownFrame>(&frame))
        bytes.append("U").append(std::to_string(unknown->kind));
    else
        append_frame(bytes, std::get<Ping>(frame));
    return bytes;
}

struct Outcome {
    std::vector<std::string> frames;
    std::string error;

    bool operator==(const Outcome&) const = default;
};

Outcome decoded(Bytes stream, std::size_t piece)
{
    FrameDecoder decoder;
    Outcome outcome;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        // A copy that is gone after its turn: whatever the decoder keeps, it must have copied.
        const std::string fed(stream.substr(at, piece));
        decoder.feed(fed);
        while (const auto frame = decoder.next())
            outcome.frames.push_back(written(*frame));
        require(decoder.held_bytes() <= 2 * stream.size() + 64);
    }
    outcome.error = decoder.error();
    return outcome;
}

void check_record(Bytes bytes)
{
    const auto first = decode(bytes);
    const auto* record = std::get_if<Record>(&first);
    if (!record)
        return;
    std::string encoded;
    encode(*record, encoded);
    const auto second = decode(encoded);
    require(std::get_if<Record>(&second) != nullptr && std::get<Record>(second) == *record);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return 0;
    const Bytes stream(reinterpret_cast<const char*>(data + 1), size - 1);
    const std::size_t piece = std::max<std::size_t>(data[0], 1);
    require(decoded(stream, size) == decoded(stream, piece));

    check_record(stream);
    FrameDecoder decoder;
    decoder.feed(stream);
    while (const auto frame = decoder.next()) {
        if (const auto* record = std::get_if<RecordFrame>(&*frame))
            check_record(record->record);
    }
    return 0;
}
