// What tells one record from every other, for ever: the journal that it was written to and its place in it.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smtpauth::event {

/// Written as `<journal, 16 hexadecimal digits>-<sequence>`, the label `id` of the logs.
struct RecordId {
    std::uint64_t journal = 0;
    std::uint64_t sequence = 0; ///< counts from 1

    bool operator==(const RecordId&) const = default;
};

inline std::string journal_to_string(std::uint64_t journal)
{
    std::string text(16, '0');
    for (std::size_t at = text.size(); at-- > 0; journal >>= 4)
        text[at] = "0123456789abcdef"[journal & 0xf];
    return text;
}

inline std::string to_string(const RecordId& id)
{
    return journal_to_string(id.journal) + '-' + std::to_string(id.sequence);
}

/// Nothing where the text is anything but what to_string() writes.
inline std::optional<RecordId> parse_record_id(std::string_view text)
{
    constexpr std::size_t journal_digits = 16;
    if (text.size() < journal_digits + 2 || text[journal_digits] != '-' || text[journal_digits + 1] == '0')
        return std::nullopt;
    RecordId id;
    const char* const end = text.data() + text.size();
    const char* const dash = text.data() + journal_digits;
    const auto journal = std::from_chars(text.data(), dash, id.journal, 16);
    const auto sequence = std::from_chars(dash + 1, end, id.sequence);
    if (journal.ec != std::errc{} || journal.ptr != dash || sequence.ec != std::errc{} || sequence.ptr != end)
        return std::nullopt;
    return id;
}

} // namespace smtpauth::event
