// A range of IP addresses with a common prefix.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/ip_address.hpp"

namespace smtpauth {

class IpNetwork {
public:
    /// "127.0.0.0/8", "2001:db8::/32", or a single address. Nothing when the text is neither, or when
    /// bits are set behind the prefix (127.0.0.1/8): that is more often a slip than a wish.
    static std::optional<IpNetwork> parse(std::string_view text);

    /// False for an address of the other family, so ::/0 does not contain 192.0.2.1.
    bool contains(const IpAddress& address) const;

    /// ADDRESS/LENGTH; parse() of it gives the same.
    std::string to_string() const;

    bool operator==(const IpNetwork&) const = default;

private:
    IpNetwork(const IpAddress& address, unsigned length) : address_(address), length_(length) {}

    IpAddress address_;
    unsigned length_; // in bits of the 16-byte form: an IPv4 /8 is 104
};

} // namespace smtpauth
