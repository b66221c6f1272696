#include "collector/alert/printable.hpp"

#include <iterator>

#include <fmt/format.h>

#include "proto/ltsv/ltsv.hpp"

namespace smtpauth {

namespace {

/// The size of the character at the front if it misleads who reads it: U+0080 to U+009F, U+200E, U+200F, U+2028 to
/// U+202E, U+2066 to U+2069.
std::size_t misleading(std::string_view text)
{
    const auto octet = [text](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
    if (octet(0) == 0xc2 && octet(1) >= 0x80 && octet(1) <= 0x9f)
        return 2;
    if (octet(0) != 0xe2)
        return 0;
    const bool mark = octet(1) == 0x80 && (octet(2) == 0x8e || octet(2) == 0x8f);
    const bool separator_or_turn = octet(1) == 0x80 && octet(2) >= 0xa8 && octet(2) <= 0xae;
    const bool isolate = octet(1) == 0x81 && octet(2) >= 0xa6 && octet(2) <= 0xa9;
    return mark || separator_or_turn || isolate ? 3 : 0;
}

} // namespace

std::string printable_text(std::string_view text)
{
    std::string escaped;
    ltsv::append_escaped(escaped, text.substr(0, longest_alarm_text));
    std::string shown;
    for (std::string_view rest = escaped; !rest.empty();) {
        const std::size_t size = misleading(rest);
        for (const char c : rest.substr(0, size))
            fmt::format_to(std::back_inserter(shown), "\\x{:02x}", static_cast<unsigned char>(c));
        if (size == 0)
            shown += rest.front();
        rest.remove_prefix(size == 0 ? 1 : size);
    }
    return shown;
}

} // namespace smtpauth
