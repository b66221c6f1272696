#include "common/ip_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace smtpauth {

namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool remove_v6_label(std::string_view& text)
{
    constexpr std::string_view label = "ipv6:";
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
    if (text.size() < label.size() || !std::equal(label.begin(), label.end(), text.begin(),
                                                  [&](char expected, char found) { return same(found, expected); }))
        return false;
    text.remove_prefix(label.size());
    return true;
}

IpAddress::Bytes mapped(const void* v4)
{
    IpAddress::Bytes bytes{};
    std::copy(mapped_prefix.begin(), mapped_prefix.end(), bytes.begin());
    std::memcpy(bytes.data() + mapped_prefix.size(), v4, 4);
    return bytes;
}

} // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text)
{
    if (text.size() >= 2 && text.front() == '[' && text.back() == ']')
        text = text.substr(1, text.size() - 2);
    const bool labelled = remove_v6_label(text);
    const bool v6 = labelled || text.find(':') != std::string_view::npos;
    if (const auto zone = text.find('%'); v6 && zone != std::string_view::npos && zone + 1 < text.size())
        text = text.substr(0, zone);

    // inet_pton() takes no length; a NUL inside would end the text early.
    if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    const std::string terminated(text);
    Bytes bytes{};
    if (v6)
        return ::inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1 ? std::optional(IpAddress(bytes))
                                                                            : std::nullopt;
    std::array<std::uint8_t, 4> v4{};
    if (::inet_pton(AF_INET, terminated.c_str(), v4.data()) != 1)
        return std::nullopt;
    return IpAddress(mapped(v4.data()));
}

std::optional<IpAddress> IpAddress::from_sockaddr(const sockaddr* address, socklen_t length)
{
    // Copies, because the caller's memory need not be aligned for the type that it holds.
    sockaddr_in v4{};
    if (address->sa_family == AF_INET && length >= sizeof v4) {
        std::memcpy(&v4, address, sizeof v4);
        return IpAddress(mapped(&v4.sin_addr));
    }
    sockaddr_in6 v6{};
    if (address->sa_family == AF_INET6 && length >= sizeof v6) {
        std::memcpy(&v6, address, sizeof v6);
        Bytes bytes{};
        std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
        return IpAddress(bytes);
    }
    return std::nullopt;
}

std::string IpAddress::to_string() const
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (is_v4())
        ::inet_ntop(AF_INET, bytes_.data() + mapped_prefix.size(), text.data(), text.size());
    else
        ::inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
    return text.data();
}

bool IpAddress::is_v4() const
{
    return std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes_.begin());
}

bool IpAddress::is_loopback() const
{
    constexpr Bytes v6_loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return is_v4() ? bytes_[mapped_prefix.size()] == 127 : bytes_ == v6_loopback;
}

} // namespace smtpauth
