#include "common/json.hpp"

#include <utility>

#include <boost/json/src.hpp>

namespace smtpauth {

namespace {

/// The size of the well-formed UTF-8 sequence at the front, 0 if there is none. Source: RFC 3629, 3 and 4.
std::size_t utf8_sequence_size(std::string_view text)
{
    const auto octet = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned first = octet(0);
    if (first < 0x80)
        return 1;
    const std::size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (size == 0 || size > text.size())
        return 0;
    unsigned code = first & (0x7fU >> size);
    for (std::size_t at = 1; at < size; ++at) {
        if ((octet(at) & 0xc0U) != 0x80)
            return 0;
        code = code << 6 | (octet(at) & 0x3fU);
    }
    const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return overlong || surrogate || code > 0x10ffff ? 0 : size;
}

} // namespace

json::string json_text(std::string_view text)
{
    constexpr std::string_view digits = "0123456789abcdef";
    json::string result;
    result.reserve(text.size());
    while (!text.empty()) {
        const std::size_t size = utf8_sequence_size(text);
        if (size == 0) {
            const auto octet = static_cast<unsigned char>(text.front());
            result.append("\\x");
            result.push_back(digits[octet >> 4]);
            result.push_back(digits[octet & 0xf]);
        } else {
            result.append(text.substr(0, size));
        }
        text.remove_prefix(size == 0 ? 1 : size);
    }
    return result;
}

std::optional<json::value> parse_json(std::string_view text)
{
    json::error_code error;
    json::value value = json::parse(json::string_view(text.data(), text.size()), error);
    return error ? std::nullopt : std::optional(std::move(value));
}

} // namespace smtpauth
