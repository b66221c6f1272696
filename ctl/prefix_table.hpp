// Country and ASN of an address, from lines "prefix,country,asn": in place of a database, for tests and for logs of
// long ago. Of several prefixes the longest counts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/ip_address.hpp"

namespace smtpauth {

class PrefixTable {
public:
    struct Place {
        std::string country; ///< "" where it is unknown
        std::uint32_t asn = 0;
    };

    /// Adds lines. Blank ones, and those that begin with '#', mean nothing.
    /// @return  "", or the number of the first line that is none, and what was expected.
    std::string add(std::string_view text);

    /// Null where no prefix contains it. Addresses of the other family are never contained.
    const Place* find(const IpAddress& address) const;

private:
    struct Hash {
        std::size_t operator()(const IpAddress& address) const;
    };

    /// By length of the prefix in the 16-byte form, the longest first.
    std::map<unsigned, std::unordered_map<IpAddress, Place, Hash>, std::greater<>> prefixes_;
};

} // namespace smtpauth
