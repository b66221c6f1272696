#include "ctl/prefix_table.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;

namespace {

/// "JP 64500", or "" where no prefix contains the address.
std::string found(const PrefixTable& table, const char* address)
{
    const PrefixTable::Place* const place = table.find(*IpAddress::parse(address));
    return place ? place->country + ' ' + std::to_string(place->asn) : std::string();
}

} // namespace

TEST_CASE("the longest prefix that contains an address counts", "[ctl][replay]")
{
    PrefixTable table;
    REQUIRE(table
                .add("# prefix,country,asn\n"
                     "192.0.0.0/16,JP,64500\r\n"
                     "192.0.2.0/24,US,64501\n"
                     "\n"
                     "192.0.2.7,DE,\n"
                     "2001:db8::/32,,64502")
                .empty());
    CHECK(found(table, "192.0.9.1") == "JP 64500");
    CHECK(found(table, "192.0.2.1") == "US 64501");
    CHECK(found(table, "192.0.2.7") == "DE 0");
    CHECK(found(table, "2001:db8:1::1") == " 64502");
    CHECK(found(table, "198.51.100.1").empty());
    CHECK(found(table, "2001:db9::1").empty());
}

TEST_CASE("a prefix of one family says nothing of the other", "[ctl][replay]")
{
    PrefixTable table;
    REQUIRE(table.add("::/0,FR,1\n").empty());
    CHECK(found(table, "192.0.2.1").empty());
    REQUIRE(table.add("0.0.0.0/0,GB,2\n").empty());
    CHECK(found(table, "192.0.2.1") == "GB 2");
    CHECK(found(table, "2001:db8::1") == "FR 1");
}

TEST_CASE("a line that is none is named", "[ctl][replay]")
{
    const auto* const line = GENERATE("192.0.2.0/24,Japan,1", "192.0.2.1/24,JP,1", "192.0.2.0/33,JP,1", "x,JP,1",
                                      "192.0.2.0/24,JP,AS1", "192.0.2.0/24,JP,1,more");
    CAPTURE(line);
    PrefixTable table;
    CHECK(table.add(std::string("192.0.2.0/24,JP,1\n") + line) ==
          R"(2: expected "prefix,country,asn" such as "192.0.2.0/24,JP,64500")");
}
