#include "common/geo.hpp"

#include <cstdlib>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
namespace fs = std::filesystem;

namespace {

constexpr const char* networks = R"(203.0.113.0/24,DE,64500
2001:db8::/32,JP,4200000000
198.51.100.0/24,(FR),
192.0.2.0/25,,64501
)";

std::string make_database(const test::TempDirectory& directory, const char* lines = networks)
{
    const std::string generator = SMTPAUTH_TESTS "/support/make_mmdb.pl";
    std::string out = directory / "geo.mmdb";
    const std::string command = "perl '" + generator + "' '" + out + "' < '" + directory.write("lines", lines) + "'";
    REQUIRE(std::system(command.c_str()) == 0);
    fs::remove(directory / "lines");
    return out;
}

GeoDatabase open(const std::string& path, const test::TempDirectory& directory)
{
    auto result = GeoDatabase::open(path, directory.path());
    if (const auto* error = std::get_if<std::string>(&result))
        FAIL(*error);
    return std::get<GeoDatabase>(std::move(result));
}

std::string error_of(const std::string& path, const test::TempDirectory& directory)
{
    const auto result = GeoDatabase::open(path, directory.path());
    const auto* error = std::get_if<std::string>(&result);
    return error != nullptr ? *error : "none";
}

IpAddress address(const char* text)
{
    return *IpAddress::parse(text);
}

} // namespace

TEST_CASE("an address has a country and a network where the database knows them", "[common][geo]")
{
    const test::TempDirectory directory;
    const GeoDatabase geo = open(make_database(directory), directory);
    CHECK(geo.country(address("203.0.113.9")) == "DE");
    CHECK(geo.asn(address("203.0.113.9")) == 64500);
    CHECK(geo.country(address("::ffff:203.0.113.9")) == "DE");
    CHECK(geo.country(address("2001:db8::1")) == "JP");
    CHECK(geo.asn(address("2001:db8::1")) == 4200000000);
    CHECK_FALSE(geo.country(address("192.0.2.1")));
    CHECK(geo.asn(address("192.0.2.1")) == 64501);
    CHECK_FALSE(geo.country(address("8.8.8.8")));
    CHECK_FALSE(geo.asn(address("::1")));
    CHECK_THAT(geo.describe(), Catch::StartsWith("smtpauth-test-Country-ASN of 20"));
}

TEST_CASE("where a country is unknown, the registered one stands in", "[common][geo]")
{
    const test::TempDirectory directory;
    const GeoDatabase geo = open(make_database(directory), directory);
    CHECK(geo.country(address("198.51.100.1")) == "FR");
    CHECK_FALSE(geo.asn(address("198.51.100.1")));
}

TEST_CASE("a database that is overwritten in place does no harm, and leaves no copy behind", "[common][geo]")
{
    const test::TempDirectory directory;
    const std::string path = make_database(directory);
    const GeoDatabase geo = open(path, directory);
    directory.write("geo.mmdb", ""); // mapped itself, the next look-up would be a SIGBUS
    CHECK(geo.country(address("203.0.113.9")) == "DE");
    CHECK(std::distance(fs::directory_iterator(directory.path()), {}) == 1);
}

TEST_CASE("where the directory takes no copy, it goes to memory", "[common][geo]")
{
    const test::TempDirectory directory;
    auto result = GeoDatabase::open(make_database(directory), directory / "none");
    REQUIRE(std::holds_alternative<GeoDatabase>(result));
    CHECK(std::get<GeoDatabase>(result).country(address("203.0.113.9")) == "DE");
}

TEST_CASE("a database may be moved and replaced", "[common][geo]")
{
    const test::TempDirectory directory;
    GeoDatabase geo = open(make_database(directory), directory);
    geo = open(make_database(directory, "203.0.113.0/24,NL,1\n"), directory);
    CHECK(geo.country(address("203.0.113.9")) == "NL");
}

TEST_CASE("what is wrong with a database is said with its path", "[common][geo]")
{
    const test::TempDirectory directory;
    const std::string none = directory / "none.mmdb";
    CHECK(error_of(none, directory) == none + ": cannot be read: No such file or directory");
    CHECK(error_of(directory.path(), directory) == directory.path() + ": is not a regular file");

    const std::string text = directory.write("text.mmdb", "no database");
    CHECK_THAT(error_of(text, directory), Catch::StartsWith(text + ": not a usable database: "));

    const std::string whole = make_database(directory);
    fs::resize_file(whole, fs::file_size(whole) / 2);
    CHECK_THAT(error_of(whole, directory), Catch::StartsWith(whole + ": not a usable database: "));
}
