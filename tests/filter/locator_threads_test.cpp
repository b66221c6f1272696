#include "filter/locator.hpp"

#include <cstdlib>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using test::run_until;
using test::TempDirectory;
namespace fs = std::filesystem;

namespace {

/// A database in which 203.0.113.0/24 lies in this country.
std::string make_database(const TempDirectory& directory, const std::string& name, const std::string& country)
{
    std::string out = directory / name;
    const std::string lines = directory.write("lines", "203.0.113.0/24," + country + ",64500\n");
    REQUIRE(std::system(("perl " SMTPAUTH_TESTS "/support/make_mmdb.pl '" + out + "' < '" + lines + "'").c_str()) == 0);
    return out;
}

} // namespace

TEST_CASE("a country database that is replaced holds at once, whichever way", "[locator]")
{
    const TempDirectory directory;
    asio::io_context io{1};
    FilterConfig config;
    config.state_directory = directory.path();
    config.country_database = make_database(directory, "country.mmdb", "DE");
    Background background(io);
    Locator locator(io, background);
    locator.load(config);
    const auto country = [&locator] { return locator.locate(*IpAddress::parse("203.0.113.9")).country; };
    REQUIRE(country() == "DE");
    const std::string other = make_database(directory, "other.mmdb", "JP");

    SECTION("by rename")
    {
        fs::rename(other, config.country_database);
        CHECK(run_until(io, [&] { return country() == "JP"; }));
    }
    SECTION("by cp over the file in use")
    {
        fs::copy_file(other, config.country_database, fs::copy_options::overwrite_existing);
        CHECK(run_until(io, [&] { return country() == "JP"; }));
    }
    SECTION("a corrupt one keeps the old, until a good one comes")
    {
        directory.write("country.mmdb", "garbage");
        test::run_for(io, std::chrono::milliseconds(100));
        CHECK(country() == "DE");
        fs::rename(other, config.country_database);
        CHECK(run_until(io, [&] { return country() == "JP"; }));
    }
    SECTION("another one by reload")
    {
        config.country_database = other;
        locator.reload(config);
        CHECK(run_until(io, [&] { return country() == "JP"; }));
    }
}
