// Numbers of as many octets as they need: seven bits in each, the lowest first, the high bit set in all but the last.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smtpauth {

inline void append_varint(std::string& out, std::uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        out.push_back(static_cast<char>(value | 0x80));
    out.push_back(static_cast<char>(value));
}

/// Walks over numbers and the texts between them. After what is not one of them it is failed() for good, and what it
/// gives is of no use.
class VarintReader {
public:
    explicit VarintReader(std::string_view bytes) : rest_(bytes) {}

    /// The next number; 0 where none is.
    std::uint64_t number()
    {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
            const auto octet = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            value |= std::uint64_t{octet & 0x7fU} << shift;
            if (octet < 0x80)
                return value;
        }
        failed_ = true;
        return 0;
    }

    /// A text with its size before it; "" where none is. Points into what was read.
    std::string_view text()
    {
        const std::uint64_t size = number();
        if (size > rest_.size()) {
            failed_ = true;
            return {};
        }
        const std::string_view found = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return found;
    }

    bool failed() const { return failed_; }
    /// What is not read yet.
    std::string_view rest() const { return rest_; }
    bool at_end() const { return rest_.empty(); }

private:
    std::string_view rest_;
    bool failed_ = false;
};

inline void append_text(std::string& out, std::string_view text)
{
    append_varint(out, text.size());
    out.append(text);
}

} // namespace smtpauth
