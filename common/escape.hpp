// Text from outside, made harmless for a line that people read: log lines and error messages.
// The log formats for machines have an escaping of their own (proto/ltsv).
#pragma once

#include <string>
#include <string_view>

namespace smtpauth {

/// Control bytes and DEL as \xHH; other bytes as they are.
inline std::string escape_controls(std::string_view text)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string escaped;
    escaped.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte != 0x7f) {
            escaped += c;
        } else {
            escaped += "\\x";
            escaped += digits[byte >> 4];
            escaped += digits[byte & 15];
        }
    }
    return escaped;
}

} // namespace smtpauth
