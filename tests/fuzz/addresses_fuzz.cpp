// Addresses, networks and names of sockets. Property: what can be read is written so that it reads
// back as the same value; a network contains its own first address.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "common/ip_address.hpp"
#include "common/ip_network.hpp"
#include "common/socket_spec.hpp"

namespace {

using namespace smtpauth;

void require(bool property)
{
    if (!property)
        std::abort();
}

void check_address(std::string_view text)
{
    const auto address = IpAddress::parse(text);
    if (!address)
        return;
    require(IpAddress::parse(address->to_string()) == address);
    require(IpAddress::parse('[' + address->to_string() + ']') == address);
    require(address->is_v4() == (address->to_string().find(':') == std::string::npos));
    if (!address->is_v4())
        require(IpAddress::parse("IPv6:" + address->to_string()) == address);
}

void check_network(std::string_view text)
{
    const auto network = IpNetwork::parse(text);
    if (!network)
        return;
    require(IpNetwork::parse(network->to_string()) == network);
    const std::string first = network->to_string();
    require(network->contains(*IpAddress::parse(first.substr(0, first.find('/')))));
}

void check_socket(std::string_view text)
{
    const auto result = parse_socket_spec(text);
    const auto* spec = std::get_if<SocketSpec>(&result);
    if (spec == nullptr) {
        require(!std::get<std::string>(result).empty());
        return;
    }
    require(std::get<SocketSpec>(parse_socket_spec(to_string(*spec))) == *spec);
    if (const auto* local = std::get_if<UnixSocketSpec>(spec))
        require(local->path.starts_with('/') && local->path.size() <= 107);
    else
        require(IpAddress::parse(std::get<TcpSocketSpec>(*spec).host).has_value());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_address(text);
    check_network(text);
    check_socket(text);
    return 0;
}
