#include "ctl/prefix_table.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "common/ip_network.hpp"

namespace smtpauth {

namespace {

constexpr unsigned all_bits = 128;
constexpr unsigned v4_offset = 96; // where the bits of an IPv4 address begin in the 16-byte form

IpAddress masked(const IpAddress& address, unsigned length)
{
    IpAddress::Bytes bytes = address.bytes();
    for (unsigned at = 0; at < bytes.size(); ++at) {
        const unsigned begin = at * 8;
        const unsigned left = std::clamp(length, begin, begin + 8) - begin;
        bytes[at] = static_cast<std::uint8_t>(bytes[at] & (0xff00U >> left));
    }
    return IpAddress(bytes);
}

/// The text up to the next comma, which is taken away with it.
std::string_view next_field(std::string_view& line)
{
    const std::size_t comma = std::min(line.find(','), line.size());
    const std::string_view field = line.substr(0, comma);
    line.remove_prefix(std::min(comma + 1, line.size()));
    return field;
}

unsigned length_of(std::string_view prefix, const IpAddress& address)
{
    const std::size_t slash = prefix.find('/');
    unsigned length = address.is_v4() ? all_bits - v4_offset : all_bits;
    if (slash != std::string_view::npos)
        std::from_chars(prefix.data() + slash + 1, prefix.data() + prefix.size(), length);
    return address.is_v4() ? length + v4_offset : length;
}

} // namespace

std::string PrefixTable::add(std::string_view text)
{
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.empty() || line.front() == '#')
            continue;
        const std::string_view prefix = next_field(line);
        const std::string_view country = next_field(line);
        const std::string_view asn = next_field(line);
        const auto address = IpAddress::parse(prefix.substr(0, prefix.find('/')));
        Place place{std::string(country)};
        const auto [stop, error] = std::from_chars(asn.data(), asn.data() + asn.size(), place.asn);
        const bool has_asn = error == std::errc{} && stop == asn.data() + asn.size();
        if (!address || !IpNetwork::parse(prefix) || !line.empty() || (country.size() != 2 && !country.empty()) ||
            (!has_asn && !asn.empty()))
            return std::to_string(number) + R"(: expected "prefix,country,asn" such as "192.0.2.0/24,JP,64500")";
        prefixes_[length_of(prefix, *address)][*address] = std::move(place);
    }
    return "";
}

const PrefixTable::Place* PrefixTable::find(const IpAddress& address) const
{
    for (const auto& [length, places] : prefixes_) {
        if (address.is_v4() && length < v4_offset)
            break;
        if (const auto found = places.find(masked(address, length)); found != places.end())
            return &found->second;
    }
    return nullptr;
}

std::size_t PrefixTable::Hash::operator()(const IpAddress& address) const
{
    std::uint64_t hash = 0xcbf29ce484222325; // FNV-1a
    for (const std::uint8_t octet : address.bytes())
        hash = (hash ^ octet) * 0x100000001b3;
    return hash;
}

} // namespace smtpauth
