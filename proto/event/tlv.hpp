// Tag, length, value: what records and the stream's greetings are made of. Knows no tag's meaning.
//
//     field  := tag:u8 | length:u32, big-endian | value:byte[length]
//     number := its big-endian bytes without leading zeros, 0 to 8 of them; 0 is the empty value
//
// A reader skips the tags that it does not know, so a newer writer may add fields; a number may later
// grow without a new tag.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smtpauth::event {

/// Bytes of the stream. char, not std::byte: nearly all of it is text.
using Bytes = std::string_view;

/// Writes `size` octets, the highest first.
inline void put_big_endian(char* to, std::uint64_t value, unsigned size)
{
    for (; size-- > 0; value >>= 8)
        to[size] = static_cast<char>(value & 0xff);
}

/// The same over those at `at`, which must be there.
inline void put_big_endian(std::string& out, std::size_t at, std::uint64_t value, unsigned size)
{
    put_big_endian(out.data() + at, value, size);
}

/// Appends them. @param size  at most 8.
inline void append_big_endian(std::string& out, std::uint64_t value, unsigned size)
{
    char octets[8];
    put_big_endian(octets, value, size);
    out.append(octets, size);
}

/// @param bytes  at most 8.
constexpr std::uint64_t read_big_endian(Bytes bytes)
{
    std::uint64_t value = 0;
    for (const char byte : bytes)
        value = value << 8 | static_cast<unsigned char>(byte);
    return value;
}

inline constexpr std::size_t field_header_size = 5;

/// @param value  below 4 GiB.
inline void append_text_field(std::string& out, std::uint8_t tag, std::string_view value)
{
    append_big_endian(out, std::uint64_t{tag} << 32 | value.size(), field_header_size);
    out.append(value);
}

inline void append_number_field(std::string& out, std::uint8_t tag, std::uint64_t value)
{
    const auto size = static_cast<unsigned>((std::bit_width(value) + 7) / 8);
    append_big_endian(out, std::uint64_t{tag} << 32 | size, field_header_size);
    append_big_endian(out, value, size);
}

/// Appends a field that every reader skips. @param size  of all of it, at least field_header_size.
inline void append_padding(std::string& out, std::size_t size)
{
    constexpr std::uint8_t padding_tag = 255;
    append_text_field(out, padding_tag, std::string(size - field_header_size, '\0'));
}

struct Field {
    std::uint8_t tag;
    Bytes value; ///< points into what was read
};

/// Walks over the fields. Believes a length only as far as there are bytes.
class FieldReader {
public:
    explicit FieldReader(Bytes bytes) : rest_(bytes), total_(bytes.size()) {}

    /// The next field, or nothing: at the end, or failed().
    std::optional<Field> next()
    {
        if (failed() || rest_.empty())
            return std::nullopt;
        if (rest_.size() < field_header_size)
            return fail(std::to_string(rest_.size()) + " octets, expected a field");
        const auto tag = static_cast<std::uint8_t>(rest_.front());
        const std::uint64_t length = read_big_endian(rest_.substr(1, 4));
        if (rest_.size() - field_header_size < length)
            return fail("field " + std::to_string(tag) + " of " + std::to_string(length) +
                        " octets, expected at most " + std::to_string(rest_.size() - field_header_size));
        const Field field{tag, rest_.substr(field_header_size, length)};
        rest_.remove_prefix(field_header_size + length);
        return field;
    }

    bool failed() const { return !error_.empty(); }
    /// Where, what was found and what was expected; empty unless failed().
    const std::string& error() const { return error_; }

private:
    std::optional<Field> fail(const std::string& what)
    {
        error_ = "at octet " + std::to_string(total_ - rest_.size()) + ": " + what;
        return std::nullopt;
    }

    Bytes rest_;
    std::size_t total_;
    std::string error_;
};

/// Takes a number out of a field. False, with `error` set, where it is too long or above `highest`.
inline bool read_number(const Field& field, std::uint64_t highest, std::uint64_t& number, std::string& error)
{
    if (field.value.size() > 8) {
        error = "field " + std::to_string(field.tag) + ": a number of " + std::to_string(field.value.size()) +
                " octets, expected at most 8";
        return false;
    }
    number = read_big_endian(field.value);
    if (number > highest) {
        error = "field " + std::to_string(field.tag) + ": " + std::to_string(number) + ", expected at most " +
                std::to_string(highest);
        return false;
    }
    return true;
}

} // namespace smtpauth::event
