#include "proto/ltsv/ltsv.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>

namespace smtpauth::ltsv {

namespace {

constexpr bool is_label_octet(char octet)
{
    return (octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z') || (octet >= 'a' && octet <= 'z') ||
           octet == '_' || octet == '.' || octet == '-';
}

bool is_label(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), is_label_octet);
}

constexpr bool is_plain(unsigned char octet)
{
    return octet >= 0x20 && octet < 0x7f && octet != '\\';
}

constexpr bool is_continuation(unsigned char octet)
{
    return (octet & 0xc0) == 0x80;
}

/// The size of the well-formed UTF-8 sequence of two or more octets at the front, 0 if there is none.
/// Source: The Unicode Standard, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
std::size_t utf8_sequence_size(std::string_view text)
{
    const auto octet = [text](std::size_t at) { return static_cast<unsigned char>(at < text.size() ? text[at] : 0); };
    const unsigned char first = octet(0);
    const unsigned char second = octet(1);
    if (first >= 0xc2 && first <= 0xdf)
        return is_continuation(second) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        const unsigned char lowest = first == 0xe0 ? 0xa0 : 0x80;
        const unsigned char highest = first == 0xed ? 0x9f : 0xbf;
        return second >= lowest && second <= highest && is_continuation(octet(2)) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const unsigned char lowest = first == 0xf0 ? 0x90 : 0x80;
        const unsigned char highest = first == 0xf4 ? 0x8f : 0xbf;
        return second >= lowest && second <= highest && is_continuation(octet(2)) && is_continuation(octet(3)) ? 4 : 0;
    }
    return 0;
}

void append_octet_escape(std::string& out, unsigned char octet)
{
    constexpr char digits[] = "0123456789abcdef";
    switch (octet) {
    case '\t':
        out.append("\\t");
        break;
    case '\n':
        out.append("\\n");
        break;
    case '\r':
        out.append("\\r");
        break;
    case '\\':
        out.append("\\\\");
        break;
    default:
        out.append("\\x").push_back(digits[octet >> 4]);
        out.push_back(digits[octet & 0xf]);
    }
}

int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/// Undoes the escape at the front of `text` and removes it.
std::optional<char> take_escape(std::string_view& text)
{
    const char kind = text.size() < 2 ? '\0' : text[1];
    const auto take = [&text](std::size_t size, char value) {
        text.remove_prefix(size);
        return value;
    };
    switch (kind) {
    case 't':
        return take(2, '\t');
    case 'n':
        return take(2, '\n');
    case 'r':
        return take(2, '\r');
    case '\\':
        return take(2, '\\');
    case 'x': {
        const int high = text.size() < 4 ? -1 : hex_digit(text[2]);
        const int low = text.size() < 4 ? -1 : hex_digit(text[3]);
        if (high >= 0 && low >= 0)
            return take(4, static_cast<char>(high << 4 | low));
        return std::nullopt;
    }
    default:
        return std::nullopt;
    }
}

} // namespace

void append_escaped(std::string& out, std::string_view value)
{
    while (!value.empty()) {
        // Nearly every value is plain to its end, so plain octets are copied by the run.
        const auto end = std::find_if_not(value.begin(), value.end(),
                                          [](char octet) { return is_plain(static_cast<unsigned char>(octet)); });
        const auto plain = static_cast<std::size_t>(end - value.begin());
        out.append(value.substr(0, plain));
        value.remove_prefix(plain);
        if (value.empty())
            return;
        if (const std::size_t size = utf8_sequence_size(value); size != 0) {
            out.append(value.substr(0, size));
            value.remove_prefix(size);
        } else {
            append_octet_escape(out, static_cast<unsigned char>(value.front()));
            value.remove_prefix(1);
        }
    }
}

std::optional<std::string> unescape(std::string_view escaped)
{
    std::string value;
    value.reserve(escaped.size());
    while (!escaped.empty()) {
        const std::size_t plain = std::min(escaped.find('\\'), escaped.size());
        value.append(escaped.substr(0, plain));
        escaped.remove_prefix(plain);
        if (escaped.empty())
            break;
        const auto octet = take_escape(escaped);
        if (!octet)
            return std::nullopt;
        value.push_back(*octet);
    }
    return value;
}

void LineWriter::field(std::string_view label, std::string_view value)
{
    assert(is_label(label));
    if (out_.size() != start_)
        out_.push_back('\t');
    out_.append(label).push_back(':');
    append_escaped(out_, value);
}

LineReader::LineReader(std::string_view line) : line_(line)
{
    if (!line_.empty() && line_.back() == '\n')
        line_.remove_suffix(1);
    if (line_.empty())
        at_ = 1;
}

std::optional<RawField> LineReader::next()
{
    if (failed() || at_ > line_.size())
        return std::nullopt;
    const std::string_view field = line_.substr(at_, line_.find('\t', at_) - at_);
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos || !is_label(field.substr(0, colon))) {
        error_ = "at octet " + std::to_string(at_) + ": a field without a label, expected LABEL:VALUE";
        return std::nullopt;
    }
    at_ += field.size() + 1;
    return RawField{field.substr(0, colon), field.substr(colon + 1)};
}

std::variant<Fields, Malformed> read_line(std::string_view line)
{
    Fields fields;
    LineReader reader(line);
    while (const auto field = reader.next()) {
        auto value = unescape(field->value);
        if (!value)
            return Malformed{std::string(field->label) + ": a backslash that begins no escape, expected \\t, \\n, \\r, "
                                                         "\\\\ or \\xHH"};
        fields.emplace_back(field->label, *std::move(value));
    }
    if (reader.failed())
        return Malformed{reader.error()};
    return fields;
}

} // namespace smtpauth::ltsv
