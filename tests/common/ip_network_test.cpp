#include "common/ip_network.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;

namespace {

bool contains(const char* network, const char* address)
{
    return IpNetwork::parse(network)->contains(*IpAddress::parse(address));
}

} // namespace

TEST_CASE("a network contains what shares its prefix", "[common][ip]")
{
    CHECK(contains("127.0.0.0/8", "127.1.2.3"));
    CHECK_FALSE(contains("127.0.0.0/8", "128.0.0.1"));
    CHECK(contains("192.0.2.128/25", "192.0.2.255"));
    CHECK_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
    CHECK(contains("2001:db8::/33", "2001:db8:7fff::1"));
    CHECK_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
    CHECK(contains("0.0.0.0/0", "203.0.113.1"));
}

TEST_CASE("a single address is a network of one", "[common][ip]")
{
    CHECK(contains("192.0.2.1", "192.0.2.1"));
    CHECK_FALSE(contains("192.0.2.1", "192.0.2.2"));
    CHECK(IpNetwork::parse("::1")->to_string() == "::1/128");
}

TEST_CASE("a network of one family contains nothing of the other", "[common][ip]")
{
    CHECK_FALSE(contains("::/0", "192.0.2.1"));
    CHECK_FALSE(contains("0.0.0.0/0", "::1"));
    CHECK(contains("192.0.2.0/24", "::ffff:192.0.2.9"));
    CHECK(IpNetwork::parse("::ffff:192.0.2.0/120") == IpNetwork::parse("192.0.2.0/24"));
}

TEST_CASE("what is no network is refused, also one with bits behind its prefix", "[common][ip]")
{
    const auto* text = GENERATE("", "/8", "127.0.0.0/", "127.0.0.0/33", "::/129", "127.0.0.1/8", "::1/64",
                                "127.0.0.0/+8", "127.0.0.0/8 ", "localhost/8", "::ffff:0:0/95", "1.2.3.4/4294967232");
    CAPTURE(text);
    CHECK_FALSE(IpNetwork::parse(text));
}
