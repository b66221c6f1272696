// Milter packets in one line, for tests.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "proto/milter/packet_decoder.hpp"
#include "proto/milter/wire.hpp"

namespace smtpauth::test {

inline std::string packet(char command, std::string_view data = {})
{
    std::string bytes;
    milter::append_packet(bytes, command, data);
    return bytes;
}

/// Strings, each followed by a NUL.
inline std::string strings(std::initializer_list<std::string_view> texts)
{
    std::string bytes;
    for (const std::string_view text : texts)
        milter::append_string(bytes, text);
    return bytes;
}

inline std::string u32(std::uint32_t value)
{
    std::string bytes;
    milter::append_u32(bytes, value);
    return bytes;
}

/// A macro packet: packet('D', "M{auth_authen}\0alice\0").
inline std::string macros(char stage, std::initializer_list<std::string_view> pairs)
{
    return packet('D', stage + strings(pairs));
}

inline std::string offer(std::uint32_t version = 6, std::uint32_t actions = 0x1ff, std::uint32_t protocol = 0x1fffff)
{
    return packet('O', u32(version) + u32(actions) + u32(protocol));
}

/// "00 0d 4f" as bytes; blanks and line ends do not count.
inline std::string from_hex(std::string_view text)
{
    const auto value = [](char digit) { return digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10; };
    std::string digits;
    for (const char c : text)
        if (c > ' ')
            digits.push_back(c);
    std::string bytes;
    for (std::size_t at = 0; at + 1 < digits.size(); at += 2)
        bytes.push_back(static_cast<char>(value(digits[at]) << 4 | value(digits[at + 1])));
    return bytes;
}

/// The commands of all packets of a stream, "OCM"; "!" at its end if it went out of step.
inline std::string commands_in(std::string_view stream)
{
    milter::PacketDecoder decoder;
    decoder.feed(stream);
    std::string commands;
    while (const auto packet = decoder.next())
        commands.push_back(packet->command);
    if (decoder.failed() || decoder.in_packet())
        commands.push_back('!');
    return commands;
}

} // namespace smtpauth::test
