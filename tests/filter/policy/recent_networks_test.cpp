#include "filter/policy/recent_networks.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;
using namespace std::chrono_literals;

namespace {

event::Time at(event::Milliseconds since)
{
    return event::Time(event::Milliseconds(1767225600000)) + since;
}

} // namespace

TEST_CASE("a network is a /24 or a /64", "[filter][policy]")
{
    CHECK(network_of("") == 0);
    CHECK(network_of("192.0.2.1") == network_of("192.0.2.254"));
    CHECK(network_of("192.0.2.1") != network_of("192.0.3.1"));
    CHECK(network_of("2001:db8::1") == network_of("2001:db8::ffff:1"));
    CHECK(network_of("2001:db8::1") != network_of("2001:db8:0:1::1"));
    CHECK(network_of("2001:db8::1") != network_of("192.0.2.1"));
    CHECK(network_of("/run/socket") != network_of("/run/other"));
    for (const char* address : {"192.0.2.1", "2001:db8::1", "::1", "0.0.0.0", "/run/socket"})
        CHECK(network_of(address) != 0);
}

TEST_CASE("different networks of a window are counted", "[filter][policy]")
{
    RecentNetworks networks;
    networks.add(1, at(0min), 1h);
    networks.add(2, at(10min), 1h);
    networks.add(1, at(20min), 1h);
    networks.add(0, at(20min), 1h);
    CHECK(networks.count(at(20min), 1h) == 2);
    CHECK(networks.count(at(20min), 10min) == 1);
    CHECK(networks.contains(2, at(70min) - 1ms, 1h));
    CHECK_FALSE(networks.contains(2, at(70min), 1h));
    networks.set_back(10min);
    CHECK(networks.count(at(60min), 1h) == 1);
}

TEST_CASE("the least recently seen goes first", "[filter][policy]")
{
    RecentNetworks networks;
    for (NetworkId id = 1; id <= RecentNetworks::max_networks; ++id)
        networks.add(id, at(0min), 1h);
    networks.add(1, at(1min), 1h);
    networks.add(1000, at(1min), 1h);
    CHECK(networks.count(at(1min), 1h) == RecentNetworks::max_networks);
    CHECK(networks.contains(1, at(1min), 1h));
    CHECK_FALSE(networks.contains(2, at(1min), 1h));
}

TEST_CASE("networks are named as people write them", "[filter][policy]")
{
    CHECK(to_text(network_of("192.0.2.77")) == "192.0.2.0/24");
    CHECK(to_text(network_of("2001:db8:1:2:3::4")) == "2001:db8:1:2::/64");
    CHECK(to_text(network_of("/var/run/socket")).starts_with("other-"));
}
