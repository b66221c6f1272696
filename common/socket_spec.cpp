#include "common/socket_spec.hpp"

#include <sys/un.h>

#include <charconv>
#include <optional>

#include "common/ip_address.hpp"

namespace smtpauth {

namespace {

constexpr std::size_t longest_path = sizeof(sockaddr_un::sun_path) - 1;

constexpr const char* expected_socket =
    "a socket such as \"unix:/run/x.sock\", \"inet:127.0.0.1:10025\" or \"inet6:[::1]:10025\"";

std::variant<UnixSocketSpec, std::string> parse_path(std::string_view path)
{
    if (path.empty() || path.front() != '/' || path.back() == '/')
        return std::string("an absolute path behind \"unix:\"");
    if (path.size() > longest_path)
        return "a socket path of at most " + std::to_string(longest_path) + " bytes, not " +
               std::to_string(path.size());
    for (const char c : path)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return std::string("a socket path without control bytes");
    return UnixSocketSpec{std::string(path)};
}

std::optional<std::uint16_t> parse_port(std::string_view text)
{
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0)
        return std::nullopt;
    return port;
}

/// HOST:PORT (Postfix) or PORT@HOST (Sendmail).
std::variant<SocketSpec, std::string> parse_tcp(std::string_view text, bool v6)
{
    std::string_view host;
    std::string_view port_text;
    if (const auto at = text.find('@'); at != std::string_view::npos) {
        port_text = text.substr(0, at);
        host = text.substr(at + 1);
    } else if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
        host = text.substr(0, colon);
        port_text = text.substr(colon + 1);
        // Without brackets nobody can tell where an IPv6 address ends.
        if (host.find(':') != std::string_view::npos && host.front() != '[')
            return std::string("the IPv6 address in brackets, such as \"inet6:[::1]:10025\"");
    }
    const auto port = parse_port(port_text);
    if (!port)
        return std::string("a port from 1 to 65535, such as \"inet:127.0.0.1:10025\"");
    if (host == "localhost")
        return TcpSocketSpec{v6 ? "::1" : "127.0.0.1", *port, v6};
    const auto address = IpAddress::parse(host);
    if (!address || address->is_v4() == v6)
        return std::string(v6 ? "an IPv6 address or localhost behind \"inet6:\""
                              : "an IPv4 address or localhost behind \"inet:\"");
    return TcpSocketSpec{address->to_string(), *port, v6};
}

bool remove_prefix(std::string_view& text, std::string_view prefix)
{
    if (!text.starts_with(prefix))
        return false;
    text.remove_prefix(prefix.size());
    return true;
}

} // namespace

std::variant<SocketSpec, std::string> parse_socket_spec(std::string_view text)
{
    if (remove_prefix(text, "inet6:"))
        return parse_tcp(text, true);
    if (remove_prefix(text, "inet:"))
        return parse_tcp(text, false);
    if (!remove_prefix(text, "unix:") && !remove_prefix(text, "local:") && !text.starts_with('/'))
        return std::string(expected_socket);
    auto result = parse_path(text);
    if (auto* expected = std::get_if<std::string>(&result))
        return std::move(*expected);
    return SocketSpec(std::get<UnixSocketSpec>(std::move(result)));
}

std::variant<UnixSocketSpec, std::string> parse_unix_socket_spec(std::string_view text)
{
    auto result = parse_socket_spec(text);
    if (auto* expected = std::get_if<std::string>(&result); expected && *expected != expected_socket)
        return std::move(*expected);
    if (auto* spec = std::get_if<SocketSpec>(&result))
        if (auto* path = std::get_if<UnixSocketSpec>(spec))
            return std::move(*path);
    return std::string("a UNIX socket such as \"unix:/run/x.sock\"");
}

std::variant<std::optional<SocketSpec>, std::string> parse_optional_socket_spec(std::string_view text)
{
    if (text.empty())
        return std::optional<SocketSpec>();
    auto spec = parse_socket_spec(text);
    if (auto* expected = std::get_if<std::string>(&spec))
        return std::move(*expected);
    return std::optional(std::get<SocketSpec>(std::move(spec)));
}

std::variant<std::optional<UnixSocketSpec>, std::string> parse_optional_unix_socket_spec(std::string_view text)
{
    if (text.empty())
        return std::optional<UnixSocketSpec>();
    auto spec = parse_unix_socket_spec(text);
    if (auto* expected = std::get_if<std::string>(&spec))
        return std::move(*expected);
    return std::optional(std::get<UnixSocketSpec>(std::move(spec)));
}

std::string to_string(const SocketSpec& spec)
{
    if (const auto* local = std::get_if<UnixSocketSpec>(&spec))
        return "unix:" + local->path;
    const auto& tcp = std::get<TcpSocketSpec>(spec);
    return (tcp.v6 ? "inet6:[" + tcp.host + ']' : "inet:" + tcp.host) + ':' + std::to_string(tcp.port);
}

} // namespace smtpauth
