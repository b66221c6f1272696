#include "tests/support/capture.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <boost/property_tree/json_parser.hpp>

#include "tests/support/packets.hpp"

namespace smtpauth::test {

namespace {

using boost::property_tree::ptree;

/// What stands in the SMTP dialogue for a message too long to show: "...(5242867 bytes)", with the line of the dot.
constexpr std::string_view shortened = "...(";
constexpr std::size_t dot_line_bytes = 3;

CapturedPacket packet_of(const ptree& line)
{
    static const ptree none;
    CapturedPacket packet;
    packet.number = line.get<int>("n");
    packet.from_mta = line.get<std::string>("dir") == "mta>milter";
    packet.command = line.get<std::string>("cmd").at(0);
    packet.data = from_hex(line.get<std::string>("hex"));
    packet.data.resize(line.get<std::size_t>("len"), 'x'); // long bodies were cut
    const auto decoded = line.get_child_optional("decoded");
    if (!decoded)
        return packet;
    for (const auto& [name, argument] : decoded->get_child("args", none))
        packet.arguments.push_back(argument.data());
    packet.macro_stage = decoded->get("for", std::string(1, '\0')).at(0);
    for (const auto& [name, value] : decoded->get_child("macros", none))
        packet.macros[name] = value.data();
    packet.address = decoded->get("addr", "");
    packet.port = decoded->get("port", "");
    return packet;
}

/// How a header field begins: a name without blanks and a colon.
bool is_header_field(const std::string& line)
{
    const std::size_t colon = line.find(':');
    return colon != std::string::npos && colon > 0 && line.find_first_of(" \t") > colon;
}

SentMessage message_of(const std::vector<std::string>& lines)
{
    SentMessage message;
    bool in_headers = true;
    for (const std::string& line : lines) {
        if (const std::size_t at = line.find(shortened); at != std::string::npos) {
            message.size_bytes = std::stoull(line.substr(at + shortened.size())) - dot_line_bytes;
            return message;
        }
        message.size_bytes += line.size() + 2;
        if (in_headers && line.empty())
            message.ends_headers = true;
        in_headers = in_headers && (is_header_field(line) || line.starts_with(' ') || line.starts_with('\t'));
        if (in_headers && is_header_field(line))
            ++message.header_fields;
    }
    return message;
}

/// The messages of an SMTP dialogue: what the client says after each 354.
std::vector<SentMessage> read_messages(const std::string& path)
{
    std::ifstream file(path);
    std::vector<SentMessage> messages;
    std::vector<std::string> lines;
    bool in_message = false;
    for (std::string text; std::getline(file, text);) {
        if (text.starts_with("S: 354")) {
            in_message = true;
            lines.clear();
            continue;
        }
        const bool of_client = text.starts_with("C: ") || text.starts_with("   ");
        const std::string line = text.substr(std::min<std::size_t>(3, text.size()));
        if (!in_message || !of_client)
            continue;
        if (line != ".")
            lines.push_back(line);
        in_message = line != "." && line.find(shortened) == std::string::npos;
        if (!in_message)
            messages.push_back(message_of(lines));
    }
    return messages;
}

} // namespace

Capture read_capture(const std::string& path)
{
    std::ifstream file(path);
    if (!file)
        throw std::runtime_error(path + ": cannot be read");
    Capture capture;
    capture.path = path;
    for (std::string text; std::getline(file, text);) {
        std::istringstream stream(text);
        ptree line;
        boost::property_tree::read_json(stream, line);
        if (line.count("event") != 0)
            continue;
        capture.connections.resize(std::max(capture.connections.size(), line.get<std::size_t>("conn")));
        capture.connections.at(line.get<std::size_t>("conn") - 1).push_back(packet_of(line));
    }
    capture.messages = read_messages(path.substr(0, path.rfind('.')) + ".smtp.txt");
    return capture;
}

} // namespace smtpauth::test
