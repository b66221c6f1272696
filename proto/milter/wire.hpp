// The protocol's elementary types: unsigned big-endian numbers and NUL-terminated strings. Nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace smtpauth::milter {

/// Bytes of the stream. char, not std::byte: nearly all of the protocol is text.
using Bytes = std::string_view;

inline std::string_view as_text(std::span<const std::byte> bytes)
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// @param bytes  at least 4.
constexpr std::uint32_t read_u32(Bytes bytes)
{
    std::uint32_t value = 0;
    for (const char byte : bytes.substr(0, 4))
        value = value << 8 | static_cast<unsigned char>(byte);
    return value;
}

/// @param bytes  at least 2.
constexpr std::uint16_t read_u16(Bytes bytes)
{
    return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[0]) << 8 | static_cast<unsigned char>(bytes[1]));
}

inline void append_u32(std::string& out, std::uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        out.push_back(static_cast<char>(value >> shift & 0xff));
}

inline void append_u16(std::string& out, std::uint16_t value)
{
    out.push_back(static_cast<char>(value >> 8));
    out.push_back(static_cast<char>(value & 0xff));
}

/// @param text  must not contain a NUL.
inline void append_string(std::string& out, std::string_view text)
{
    out.append(text).push_back('\0');
}

/// Cuts the next NUL-terminated string off the front of the data; nothing if there is no NUL.
constexpr std::optional<std::string_view> take_string(Bytes& data)
{
    const std::size_t length = data.find('\0');
    if (length == Bytes::npos)
        return std::nullopt;
    const std::string_view text = data.substr(0, length);
    data.remove_prefix(length + 1);
    return text;
}

/// Appends one packet: length, command, data.
inline void append_packet(std::string& out, char command, Bytes data = {})
{
    append_u32(out, static_cast<std::uint32_t>(data.size() + 1));
    out.push_back(command);
    out.append(data);
}

/// Writes a packet whose data is appended piece by piece: open, append to the string, close.
class PacketWriter {
public:
    PacketWriter(std::string& out, char command) : out_(out), start_(out.size())
    {
        append_u32(out_, 0);
        out_.push_back(command);
    }
    PacketWriter(const PacketWriter&) = delete;
    PacketWriter& operator=(const PacketWriter&) = delete;

    /// Fills the length in.
    ~PacketWriter()
    {
        auto length = static_cast<std::uint32_t>(out_.size() - start_ - 4);
        for (std::size_t at = start_ + 4; at-- > start_; length >>= 8)
            out_[at] = static_cast<char>(length & 0xff);
    }

private:
    std::string& out_;
    std::size_t start_;
};

} // namespace smtpauth::milter
