#include "collector/stats_log/rotated_name.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;
using namespace std::chrono_literals;

TEST_CASE("only names that rotation gives are its own", "[stats_log][retention]")
{
    const auto day = std::chrono::sys_days(2026y / 3 / 1);
    const auto plain = parse_rotated_name("stats.log", "stats.log.20260301");
    REQUIRE(plain);
    CHECK(plain->day == day);
    CHECK_FALSE(plain->compressed);
    CHECK(parse_rotated_name("stats.log", "stats.log.20260301.12")->day == day);
    CHECK(parse_rotated_name("stats.log", "stats.log.20260301.gz")->compressed);
    CHECK(parse_rotated_name("stats.log", "stats.log.20260301.9999.gz")->compressed);

    for (const char* foreign :
         {"stats.log", "stats.log.", "stats.log.1", "stats.log-20260301", "stats.log.20260301.", "stats.log.20260301.0",
          "stats.log.20260301.01", "stats.log.20260301.10000", "stats.log.20260301.1.2", "stats.log.20260301.gz.new",
          "stats.log.20260301.gz.gz", "stats.log.20260301.bz2", "stats.log.20260231", "stats.log.20261301",
          "stats.log.2026030a", "stats.log.202603011", "xstats.log.20260301", "rejects.log.20260301"}) {
        CAPTURE(foreign);
        CHECK_FALSE(parse_rotated_name("stats.log", foreign));
    }
}

TEST_CASE("numbers behind dots and dashes are what rotation leaves, by whomever", "[stats_log]")
{
    for (const char* suffix : {"", ".1", "-20260301", ".20260301", ".20260301.12", "-20260301-2"}) {
        CAPTURE(suffix);
        CHECK(is_rotation_suffix(suffix));
    }
    for (const char* suffix : {".", ".gz", ".1.gz", "1", ".1a", ".-1", ".bak"}) {
        CAPTURE(suffix);
        CHECK_FALSE(is_rotation_suffix(suffix));
    }
}
