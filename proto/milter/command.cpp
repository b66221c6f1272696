#include "proto/milter/command.hpp"

#include <array>
#include <utility>

namespace smtpauth::milter {

namespace {

constexpr std::array<std::pair<Command, std::string_view>, 15> names{{
    {Command::negotiate, "OPTNEG"},
    {Command::macros, "MACRO"},
    {Command::connect, "CONNECT"},
    {Command::helo, "HELO"},
    {Command::mail, "MAIL"},
    {Command::rcpt, "RCPT"},
    {Command::data, "DATA"},
    {Command::header, "HEADER"},
    {Command::end_of_headers, "EOH"},
    {Command::body, "BODY"},
    {Command::end_of_message, "EOM"},
    {Command::abort, "ABORT"},
    {Command::quit, "QUIT"},
    {Command::quit_new_connection, "QUIT_NC"},
    {Command::unknown, "UNKNOWN"},
}};

Malformed malformed(const Packet& packet, std::string_view expected)
{
    return {"milter " + command_name(packet.command) + " of " + std::to_string(packet.data.size()) +
            " octets of data, expected " + std::string(expected)};
}

ParsedCommand parse_negotiate(const Packet& packet)
{
    if (packet.data.size() < 12)
        return malformed(packet, "at least 12: version, actions, protocol");
    return Negotiate{read_u32(packet.data), read_u32(packet.data.substr(4)), read_u32(packet.data.substr(8)),
                     packet.data.substr(12)};
}

ParsedCommand parse_macros(const Packet& packet)
{
    if (packet.data.empty())
        return malformed(packet, "a stage byte");
    // libmilter reads past its array when a value is missing; here the incomplete tail does not count.
    const Bytes pairs = packet.data.substr(1);
    Bytes rest = pairs;
    std::size_t whole = 0;
    while (take_string(rest) && take_string(rest))
        whole = pairs.size() - rest.size();
    return Macros{packet.data[0], pairs.substr(0, whole)};
}

ParsedCommand parse_connect(const Packet& packet)
{
    Bytes rest = packet.data;
    const auto host = take_string(rest);
    if (!host)
        return malformed(packet, "a host name ending in NUL");
    if (rest.empty())
        return malformed(packet, "an address family after the host name");

    Connect connect{*host, Family{rest[0]}, 0, {}};
    rest.remove_prefix(1);
    switch (connect.family) {
    case Family::unknown:
        return connect;
    case Family::unix_socket:
    case Family::ipv4:
    case Family::ipv6:
        break;
    default:
        return malformed(packet, "an address family of 4, 6, L or U");
    }

    if (rest.size() < 2)
        return malformed(packet, "a port after the address family");
    connect.port = read_u16(rest);
    rest.remove_prefix(2);
    const auto address = take_string(rest);
    if (!address)
        return malformed(packet, "an address ending in NUL");
    connect.address = *address;
    return connect;
}

/// One string; what follows it is ignored.
template <class T>
ParsedCommand parse_one_string(const Packet& packet, std::string_view expected)
{
    Bytes rest = packet.data;
    const auto text = take_string(rest);
    if (!text)
        return malformed(packet, expected);
    return T{*text};
}

template <class T>
ParsedCommand parse_envelope(const Packet& packet)
{
    if (packet.data.empty() || packet.data.back() != '\0')
        return malformed(packet, "an address and arguments, each ending in NUL");
    Bytes rest = packet.data;
    const auto address = take_string(rest);
    return T{*address, StringList(rest)};
}

ParsedCommand parse_header(const Packet& packet)
{
    Bytes rest = packet.data;
    const auto name = take_string(rest);
    const auto value = take_string(rest);
    if (!name || !value)
        return malformed(packet, "a name and a value, each ending in NUL");
    return Header{*name, *value};
}

template <class T>
void append_envelope(std::string& out, Command command, std::string_view address, const T& arguments)
{
    const PacketWriter packet(out, static_cast<char>(command));
    append_string(out, address);
    out.append(arguments.bytes());
}

} // namespace

ParsedCommand parse_command(const Packet& packet)
{
    switch (Command{packet.command}) {
    case Command::negotiate:
        return parse_negotiate(packet);
    case Command::macros:
        return parse_macros(packet);
    case Command::connect:
        return parse_connect(packet);
    case Command::helo:
        return parse_one_string<Helo>(packet, "a name ending in NUL");
    case Command::mail:
        return parse_envelope<Mail>(packet);
    case Command::rcpt:
        return parse_envelope<Rcpt>(packet);
    case Command::data:
        return Data{};
    case Command::header:
        return parse_header(packet);
    case Command::end_of_headers:
        return EndOfHeaders{};
    case Command::body:
        return Body{packet.data};
    case Command::end_of_message:
        return EndOfMessage{packet.data};
    case Command::abort:
        return Abort{};
    case Command::quit:
        return Quit{};
    case Command::quit_new_connection:
        return QuitNewConnection{};
    case Command::unknown:
        return parse_one_string<Unknown>(packet, "a line ending in NUL");
    }
    return Malformed{"milter command " + command_name(packet.command) +
                     ", expected one of O D C H M R T L N B E A Q K U"};
}

void append_command(std::string& out, const Negotiate& command)
{
    const PacketWriter packet(out, static_cast<char>(Command::negotiate));
    append_u32(out, command.version);
    append_u32(out, command.actions);
    append_u32(out, command.protocol);
    out.append(command.macro_lists);
}

void append_command(std::string& out, const Macros& command)
{
    const PacketWriter packet(out, static_cast<char>(Command::macros));
    out.push_back(command.stage);
    out.append(command.pairs);
}

void append_command(std::string& out, const Connect& command)
{
    const PacketWriter packet(out, static_cast<char>(Command::connect));
    append_string(out, command.host);
    out.push_back(static_cast<char>(command.family));
    if (command.family == Family::unknown)
        return;
    append_u16(out, command.port);
    append_string(out, command.address);
}

void append_command(std::string& out, const Helo& command)
{
    const PacketWriter packet(out, static_cast<char>(Command::helo));
    append_string(out, command.name);
}

void append_command(std::string& out, const Mail& command)
{
    append_envelope(out, Command::mail, command.sender, command.arguments);
}

void append_command(std::string& out, const Rcpt& command)
{
    append_envelope(out, Command::rcpt, command.recipient, command.arguments);
}

void append_command(std::string& out, const Header& command)
{
    const PacketWriter packet(out, static_cast<char>(Command::header));
    append_string(out, command.name);
    append_string(out, command.value);
}

void append_command(std::string& out, const Body& command)
{
    append_packet(out, static_cast<char>(Command::body), command.chunk);
}

void append_command(std::string& out, const EndOfMessage& command)
{
    append_packet(out, static_cast<char>(Command::end_of_message), command.chunk);
}

void append_command(std::string& out, const Unknown& command)
{
    const PacketWriter packet(out, static_cast<char>(Command::unknown));
    append_string(out, command.line);
}

void append_command(std::string& out, Command command)
{
    append_packet(out, static_cast<char>(command));
}

std::string command_name(char command)
{
    for (const auto& [known, name] : names)
        if (static_cast<char>(known) == command)
            return std::string(name);
    constexpr std::string_view digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(command);
    return {'0', 'x', digits[byte >> 4], digits[byte & 15]};
}

} // namespace smtpauth::milter
