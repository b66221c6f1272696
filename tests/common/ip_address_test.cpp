#include "common/ip_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string_view>

#include <catch2/catch.hpp>

using namespace smtpauth;
using namespace std::string_view_literals;

namespace {

std::string normal(std::string_view text)
{
    const auto address = IpAddress::parse(text);
    return address ? address->to_string() : "none";
}

} // namespace

TEST_CASE("every spelling of an address comes out as one", "[common][ip]")
{
    CHECK(normal("192.0.2.7") == "192.0.2.7");
    CHECK(normal("[192.0.2.7]") == "192.0.2.7");
    CHECK(normal("::ffff:192.0.2.7") == "192.0.2.7");
    CHECK(normal("IPv6:::ffff:192.0.2.7") == "192.0.2.7");
    CHECK(normal("IPv6:0:0:0:0:0:0:0:1") == "::1");
    CHECK(normal("[ipv6:2001:DB8::1]") == "2001:db8::1");
    CHECK(normal("2001:0db8:0000:0000:0001:0000:0000:0001") == "2001:db8::1:0:0:1");
    CHECK(normal("fe80::1%eth0") == "fe80::1");
}

TEST_CASE("what is no address is refused", "[common][ip]")
{
    const auto text = GENERATE(as<std::string_view>(), "", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ",
                               "IPv6:", "IPv6:1.2.3.4", "[::1", "::1]", "1:2:3:4:5:6:7", "fe80::1%", "1.2.3.4%lo",
                               "1.2.3.4\0"sv, "0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0");
    CAPTURE(text);
    CHECK_FALSE(IpAddress::parse(text));
}

TEST_CASE("loopback is 127.0.0.0/8 and ::1", "[common][ip]")
{
    CHECK(IpAddress::parse("127.0.0.1")->is_loopback());
    CHECK(IpAddress::parse("127.255.255.254")->is_loopback());
    CHECK(IpAddress::parse("::1")->is_loopback());
    CHECK(IpAddress::parse("::ffff:127.0.0.1")->is_loopback());
    CHECK_FALSE(IpAddress::parse("128.0.0.1")->is_loopback());
    CHECK_FALSE(IpAddress::parse("::2")->is_loopback());
}

TEST_CASE("an IPv4 address is told from IPv6, also where it arrived mapped", "[common][ip]")
{
    CHECK(IpAddress::parse("192.0.2.1")->is_v4());
    CHECK(IpAddress::parse("192.0.2.1") == IpAddress::parse("::ffff:192.0.2.1"));
    CHECK_FALSE(IpAddress::parse("::192.0.2.1")->is_v4());
}

TEST_CASE("an address is taken from the kernel's form", "[common][ip]")
{
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    ::inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr);
    CHECK(IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&v4), sizeof v4)->to_string() == "192.0.2.7");
    CHECK_FALSE(IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&v4), 4));

    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    ::inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr);
    CHECK(IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&v6), sizeof v6)->to_string() == "2001:db8::7");

    v6.sin6_family = AF_UNIX;
    CHECK_FALSE(IpAddress::from_sockaddr(reinterpret_cast<const sockaddr*>(&v6), sizeof v6));
}
