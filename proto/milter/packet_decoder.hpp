// Cuts a byte stream into milter packets, in either direction. Knows framing only: no commands
// (command.hpp), no order (session.hpp), no sockets.
//
//     packet := length:u32, big-endian | command:u8 | data:byte[length - 1]
//
// Source: sendmail libmilter/comm.c, mi_rd_cmd(); the MTA's side is Postfix src/milter/milter8.c.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proto/milter/wire.hpp"

namespace smtpauth::milter {

struct Packet {
    char command;
    Bytes data; ///< without the command byte
};

class PacketDecoder {
public:
    /// The largest data that the protocol can negotiate (1 MiB - 1) + the command byte. Postfix sends headers
    /// of up to 100 KiB whole, without negotiation, so the classic 64 KiB would not do.
    static constexpr std::uint32_t default_max_length = 1024 * 1024;

    /// @param max_length  largest accepted length field, in octets, at least 1.
    explicit PacketDecoder(std::uint32_t max_length = default_max_length) : max_length_(max_length) {}

    /// Takes bytes as they were read, any number. Only borrowed: they must stay until next() has returned
    /// nothing or keep_rest() was called. Drops them once failed.
    void feed(Bytes bytes);

    /// The next whole packet, or nothing: then feed() more, or stop if failed(). The packet's data points
    /// into the fed bytes or this decoder, until the next feed() or next().
    std::optional<Packet> next();

    /// Copies what was fed and not yet taken, so that the fed bytes may go.
    void keep_rest();

    /// The length field was 0 or above max_length. Final: a stream out of step cannot be put back in step,
    /// so the caller closes the connection.
    bool failed() const { return !error_.empty(); }

    /// What was found and what was expected, for the log; empty unless failed().
    const std::string& error() const { return error_; }

    /// The stream ended here: true if it ended inside a packet.
    bool in_packet() const { return !rest_.empty(); }

    /// Octets of memory that an unfinished packet holds.
    std::size_t held_bytes() const { return buffer_.capacity(); }

private:
    Bytes rest_;            ///< what next() has not taken yet
    bool borrowed_ = false; ///< rest_ points into the fed bytes, not to the end of buffer_
    std::string buffer_;    ///< an unfinished packet, kept between reads
    std::uint32_t max_length_;
    std::string error_;
};

} // namespace smtpauth::milter
