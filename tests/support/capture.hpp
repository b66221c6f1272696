// A recorded conversation between a real MTA and a filter (tests/captures/README.md), read from its two files.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace smtpauth::test {

struct CapturedPacket {
    int number = 0; ///< in the recording
    bool from_mta = false;
    char command = 0;
    std::string data;

    // As the recorder decoded it, independently of our code.
    std::vector<std::string> arguments;        ///< of MAIL, RCPT, HEADER, ...
    char macro_stage = 0;                      ///< of a macro packet
    std::map<std::string, std::string> macros; ///< of a macro packet, names as sent
    std::string address;                       ///< of CONNECT
    std::string port;                          ///< of CONNECT
};

/// A message as its client sent it, from the SMTP dialogue.
struct SentMessage {
    std::uint64_t size_bytes = 0;  ///< without the line with the dot
    std::size_t header_fields = 0; ///< at its beginning
    bool ends_headers = false;     ///< the empty line after them was sent
};

struct Capture {
    std::string path;
    std::vector<std::vector<CapturedPacket>> connections;
    std::vector<SentMessage> messages;
};

/// @param path  NAME.jsonl; NAME.smtp.txt lies beside it. Throws std::runtime_error.
Capture read_capture(const std::string& path);

} // namespace smtpauth::test
