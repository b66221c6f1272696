// Names of sockets, as Postfix and Sendmail write them. Opens nothing, resolves nothing.
//
//     unix:/path  local:/path  /path
//     inet:HOST:PORT  inet:PORT@HOST  inet6:[ADDRESS]:PORT  inet6:PORT@ADDRESS
//
// HOST is an address or "localhost". Sources: Postfix postconf(5) smtpd_milters; Sendmail's
// INPUT_MAIL_FILTER and libmilter smfi_setconn.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace smtpauth {

struct UnixSocketSpec {
    std::string path; ///< absolute, 107 bytes at most
    bool operator==(const UnixSocketSpec&) const = default;
};

struct TcpSocketSpec {
    std::string host;       ///< an address, never a name
    std::uint16_t port = 0; ///< never 0
    bool v6 = false;
    bool operator==(const TcpSocketSpec&) const = default;
};

using SocketSpec = std::variant<UnixSocketSpec, TcpSocketSpec>;

/// The second alternative says what was expected: 'a socket such as ...'.
std::variant<SocketSpec, std::string> parse_socket_spec(std::string_view text);

/// The same for a place where only a UNIX socket will do.
std::variant<UnixSocketSpec, std::string> parse_unix_socket_spec(std::string_view text);

/// The same for a socket that may be turned off by "".
std::variant<std::optional<SocketSpec>, std::string> parse_optional_socket_spec(std::string_view text);

/// The same for a UNIX socket that may be turned off by "".
std::variant<std::optional<UnixSocketSpec>, std::string> parse_optional_unix_socket_spec(std::string_view text);

/// In Postfix's spelling; parse_socket_spec() of it gives the same.
std::string to_string(const SocketSpec& spec);

} // namespace smtpauth
