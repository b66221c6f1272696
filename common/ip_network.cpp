#include "common/ip_network.hpp"

#include <charconv>

namespace smtpauth {

namespace {

constexpr unsigned v4_offset = 96; // where the bits of an IPv4 address begin in the 16-byte form
constexpr unsigned all_bits = 128;

/// The bits of byte number index that belong to a prefix of that length.
std::uint8_t mask(unsigned length, unsigned index)
{
    if (length >= (index + 1) * 8)
        return 0xff;
    if (length <= index * 8)
        return 0;
    return static_cast<std::uint8_t>(0xff00U >> (length - index * 8));
}

std::optional<unsigned> parse_number(std::string_view text)
{
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

} // namespace

std::optional<IpNetwork> IpNetwork::parse(std::string_view text)
{
    const auto slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address)
        return std::nullopt;
    if (slash == std::string_view::npos)
        return IpNetwork(*address, all_bits);

    const auto number = parse_number(text.substr(slash + 1));
    if (!number || *number > all_bits)
        return std::nullopt;
    // "::ffff:10.0.0.0/104" counts the bits of the IPv6 form, "10.0.0.0/8" those of the IPv4 form.
    const bool dotted = text.substr(0, slash).find(':') == std::string_view::npos;
    const unsigned length = dotted ? *number + v4_offset : *number;
    if (length > all_bits || (address->is_v4() && length < v4_offset))
        return std::nullopt;

    for (unsigned i = 0; i < address->bytes().size(); ++i)
        if ((address->bytes()[i] & ~mask(length, i)) != 0)
            return std::nullopt;
    return IpNetwork(*address, length);
}

bool IpNetwork::contains(const IpAddress& address) const
{
    if (address.is_v4() != address_.is_v4())
        return false;
    for (unsigned i = 0; i < address.bytes().size(); ++i)
        if (((address.bytes()[i] ^ address_.bytes()[i]) & mask(length_, i)) != 0)
            return false;
    return true;
}

std::string IpNetwork::to_string() const
{
    return address_.to_string() + '/' + std::to_string(address_.is_v4() ? length_ - v4_offset : length_);
}

} // namespace smtpauth
