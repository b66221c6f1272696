// What an MTA says, as values: the data of each packet taken apart, and put together again for the MTA's
// role. Knows no order (session.hpp). Parsed commands point into the packet's data and own nothing.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <variant>

#include "proto/milter/constants.hpp"
#include "proto/milter/packet_decoder.hpp"

namespace smtpauth::milter {

/// NUL-terminated strings back to back: the arguments of MAIL and RCPT, the pairs of a macro packet.
class StringList {
public:
    StringList() = default;
    /// @param bytes  empty, or ends in a NUL.
    explicit StringList(Bytes bytes) : bytes_(bytes) {}

    class Iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = std::string_view;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = std::string_view;

        explicit Iterator(Bytes rest) : rest_(rest) {}
        std::string_view operator*() const { return rest_.substr(0, rest_.find('\0')); }
        Iterator& operator++()
        {
            rest_.remove_prefix(rest_.find('\0') + 1);
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

    private:
        Bytes rest_;
    };

    Iterator begin() const { return Iterator(bytes_); }
    Iterator end() const { return Iterator({}); }
    bool empty() const { return bytes_.empty(); }
    Bytes bytes() const { return bytes_; }

private:
    Bytes bytes_{};
};

/// Option negotiation, also the filter's answer: version, SMFIF_* and SMFIP_* bits.
struct Negotiate {
    std::uint32_t version = newest_version;
    std::uint32_t actions = 0;
    std::uint32_t protocol = 0;
    Bytes macro_lists; ///< the answer's entries, undecoded (negotiation.hpp); empty in an offer
};

struct Macros {
    char stage;  ///< the command's byte; any value occurs
    Bytes pairs; ///< whole name, value pairs only: an odd tail is dropped
};

enum class Family : char { unix_socket = 'L', ipv4 = '4', ipv6 = '6', unknown = 'U' };

struct Connect {
    std::string_view host;
    Family family = Family::unknown;
    std::uint16_t port = 0;   ///< 0: unknown
    std::string_view address; ///< as sent: "192.0.2.7", "2001:db8::7", "IPv6:2001:db8::7", a path, or empty
};

struct Helo {
    std::string_view name;
};

struct Mail {
    std::string_view sender; ///< normally with angle brackets; "<>" or "" is the null sender
    StringList arguments;    ///< ESMTP, in the client's spelling
};

struct Rcpt {
    std::string_view recipient;
    StringList arguments;
};

struct Data {};

struct Header {
    std::string_view name;
    std::string_view value; ///< folded with LF; with its leading space if that was negotiated
};

struct EndOfHeaders {};

struct Body {
    Bytes chunk;
};

struct EndOfMessage {
    Bytes chunk; ///< the last of the body, from old MTAs; normally empty
};

struct Abort {};
struct Quit {};
struct QuitNewConnection {};

struct Unknown {
    std::string_view line;
};

/// What cannot be understood: the stream may be out of step, so the connection has to be closed.
struct Malformed {
    std::string error; ///< found and expected
};

using ParsedCommand = std::variant<Malformed, Negotiate, Macros, Connect, Helo, Mail, Rcpt, Data, Header, EndOfHeaders,
                                   Body, EndOfMessage, Abort, Quit, QuitNewConnection, Unknown>;

ParsedCommand parse_command(const Packet& packet);

/// Append one packet each: the MTA's role. Strings must not contain NUL.
void append_command(std::string& out, const Negotiate& command);
void append_command(std::string& out, const Macros& command);
void append_command(std::string& out, const Connect& command);
void append_command(std::string& out, const Helo& command);
void append_command(std::string& out, const Mail& command);
void append_command(std::string& out, const Rcpt& command);
void append_command(std::string& out, const Header& command);
void append_command(std::string& out, const Body& command);
void append_command(std::string& out, const EndOfMessage& command);
void append_command(std::string& out, const Unknown& command);
/// The commands without data: data, end_of_headers, abort, quit, quit_new_connection.
void append_command(std::string& out, Command command);

/// The command's name for people: "MAIL", or "0x5a" for a byte that names none.
std::string command_name(char command);

/// The address without its angle brackets: both MTAs send SMTP addresses with them and local mail without.
constexpr std::string_view without_brackets(std::string_view address)
{
    if (address.size() >= 2 && address.front() == '<' && address.back() == '>')
        return address.substr(1, address.size() - 2);
    return address;
}

} // namespace smtpauth::milter
