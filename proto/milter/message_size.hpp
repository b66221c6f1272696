// The size of a message as its client sent it, counted from what the MTA shows: header fields, the empty line, body,
// with CRLF line ends. Fields that the MTA adds itself (Received) are not shown to filters.
#pragma once

#include <algorithm>
#include <cstdint>

#include "proto/milter/command.hpp"

namespace smtpauth::milter {

class MessageSize {
public:
    /// @param leading_space  protocol::header_leading_space was agreed on: the value has its first blank.
    void add(const Header& header, bool leading_space)
    {
        const auto folds = std::count(header.value.begin(), header.value.end(), '\n');
        size_bytes_ += header.name.size() + 1 + (leading_space ? 0 : 1) + header.value.size() +
                       static_cast<std::uint64_t>(folds) + crlf_bytes;
    }
    void add_empty_line() { size_bytes_ += crlf_bytes; }
    void add(Bytes body) { size_bytes_ += body.size(); }

    /// Octets.
    std::uint64_t value() const { return size_bytes_; }

private:
    static constexpr std::uint64_t crlf_bytes = 2;
    std::uint64_t size_bytes_ = 0;
};

} // namespace smtpauth::milter
