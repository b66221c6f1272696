// One IP address, of either family, as a value. No names, no ports, no sockets.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smtpauth {

class IpAddress {
public:
    /// 16 bytes in network order; an IPv4 address is kept as ::ffff:a.b.c.d.
    using Bytes = std::array<std::uint8_t, 16>;

    explicit IpAddress(const Bytes& bytes) : bytes_(bytes) {}

    /// Dotted IPv4 or IPv6, also in brackets, also behind "IPv6:" in any case (Sendmail). A mapped
    /// address is the IPv4 address that it maps; a zone ("%eth0") is dropped.
    static std::optional<IpAddress> parse(std::string_view text);

    /// Nothing unless the family is AF_INET or AF_INET6 and the length suffices.
    static std::optional<IpAddress> from_sockaddr(const sockaddr* address, socklen_t length);

    /// Dotted IPv4, or IPv6 compressed as in RFC 5952; never "IPv6:", brackets or mapped.
    std::string to_string() const;

    bool is_v4() const;
    /// 127.0.0.0/8 or ::1.
    bool is_loopback() const;

    const Bytes& bytes() const { return bytes_; }

    auto operator<=>(const IpAddress&) const = default;

private:
    Bytes bytes_;
};

} // namespace smtpauth
