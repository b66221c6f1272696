// Milter packets. Properties: the same bytes give the same packets and the same end, at once or in pieces; a command or
// reply that parses is the same after it was written and parsed again; held memory stays in proportion to the input.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "proto/milter/command.hpp"
#include "proto/milter/negotiation.hpp"
#include "proto/milter/packet_decoder.hpp"
#include "proto/milter/reply.hpp"

namespace {

using namespace smtpauth::milter;

constexpr std::uint32_t max_length = 1024;

void require(bool property)
{
    if (!property)
        std::abort();
}

struct Outcome {
    std::vector<std::string> packets; ///< command and data
    std::string error;
    bool in_packet = false;

    bool operator==(const Outcome&) const = default;
};

Outcome decoded(Bytes stream, std::size_t piece)
{
    PacketDecoder decoder(max_length);
    Outcome outcome;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        // A copy that is gone after its turn: whatever the decoder keeps, it must have copied.
        const std::string fed(stream.substr(at, piece));
        decoder.feed(fed);
        while (const auto packet = decoder.next())
            outcome.packets.push_back(packet->command + std::string(packet->data));
        require(decoder.held_bytes() <= 4096 + 2 * (max_length + 4));
    }
    outcome.error = decoder.error();
    outcome.in_packet = decoder.in_packet();
    return outcome;
}

template <class T>
std::string written(const T& command)
{
    std::string bytes;
    append_command(bytes, command);
    return bytes;
}

// The commands without data of their own.
std::string written(const Data& /*command*/)
{
    return written(Command::data);
}
std::string written(const EndOfHeaders& /*command*/)
{
    return written(Command::end_of_headers);
}
std::string written(const Abort& /*command*/)
{
    return written(Command::abort);
}
std::string written(const Quit& /*command*/)
{
    return written(Command::quit);
}
std::string written(const QuitNewConnection& /*command*/)
{
    return written(Command::quit_new_connection);
}
std::string written(const Malformed& malformed)
{
    require(!malformed.error.empty());
    return {};
}

/// What a command becomes on its way through a proxy: what was tolerated (odd tails) is gone, the rest is the same.
void check_command(const std::string& packet)
{
    const ParsedCommand command = parse_command({packet[0], Bytes(packet).substr(1)});
    const std::string once = std::visit([](const auto& parsed) { return written(parsed); }, command);
    if (once.empty())
        return;
    require(once.size() <= packet.size() + 4 && once[4] == packet[0]);
    const ParsedCommand again = parse_command({once[4], Bytes(once).substr(5)});
    require(again.index() == command.index());
    require(std::visit([](const auto& parsed) { return written(parsed); }, again) == once);
    if (const auto* offer = std::get_if<Negotiate>(&command))
        for (const std::string& list : read_macro_lists(offer->macro_lists))
            require(list.find('\0') == std::string::npos);
}

void check_reply(const std::string& packet)
{
    const auto reply = parse_reply({packet[0], Bytes(packet).substr(1)});
    const auto* parsed = std::get_if<ParsedReply>(&reply);
    if (parsed == nullptr || parsed->reply != Reply::reply_code)
        return;
    std::string bytes;
    append_answer(bytes, {Answer::Kind::reply_code, parsed->text});
    const auto again = parse_reply({bytes[4], Bytes(bytes).substr(5)});
    require(std::get<ParsedReply>(again).text == parsed->text);
}

/// Whatever text goes in, no reply has a line that its code does not begin, or a byte that is not printable.
void check_smtp_reply(Bytes text)
{
    const std::string reply = smtp_reply(550, text);
    std::size_t start = 0;
    for (std::size_t end; start <= reply.size(); start = end + 2) {
        end = std::min(reply.find("\r\n", start), reply.size());
        const std::string line = reply.substr(start, end - start);
        require(line.starts_with("550 ") || line.starts_with("550-"));
        require(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const Bytes input{reinterpret_cast<const char*>(data), size};
    if (input.empty())
        return 0;
    const std::size_t piece = 1 + static_cast<unsigned char>(input[0]);
    const Bytes stream = input.substr(1);
    const Outcome whole = decoded(stream, stream.size() + 1);
    require(decoded(stream, 1) == whole);
    require(decoded(stream, piece) == whole);
    for (const std::string& packet : whole.packets) {
        check_command(packet);
        check_reply(packet);
    }
    check_smtp_reply(stream);
    return 0;
}
