#include "common/units.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;
using namespace std::chrono_literals;

TEST_CASE("a duration is a whole number with a unit", "[common][units]")
{
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("60s") == 60s);
    CHECK(parse_duration("5m") == 5min);
    CHECK(parse_duration("4h") == 4h);
    CHECK(parse_duration("1d") == 24h);
    CHECK(parse_duration("0s") == 0s);
}

TEST_CASE("what is no duration, or a longer one than anybody means, is refused", "[common][units]")
{
    const auto* text = GENERATE("", "60", "s", "1 hour", "1.5h", "-1s", "+1s", " 1s", "1s ", "1S", "1w", "10001d",
                                "18446744073709551616s", "99999999999999999d");
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
}

TEST_CASE("a size is a whole number with a binary unit or none", "[common][units]")
{
    CHECK(parse_bytes("123") == 123U);
    CHECK(parse_bytes("4KiB") == 4096U);
    CHECK(parse_bytes("64MiB") == 67108864U);
    CHECK(parse_bytes("1GiB") == 1073741824U);
    CHECK(parse_bytes("9223372036854775807") == 9223372036854775807U);
}

TEST_CASE("what is no size, or one that nothing can hold, is refused", "[common][units]")
{
    const auto* text = GENERATE("", "KiB", "1KB", "1 MiB", "-1", "0x10", "9223372036854775808", "8388608TiB");
    CAPTURE(text);
    CHECK_FALSE(parse_bytes(text));
}

TEST_CASE("durations and sizes are written so that they read back", "[common][units]")
{
    CHECK(to_text(0ms) == "0ms");
    CHECK(to_text(1500ms) == "1500ms");
    CHECK(to_text(90s) == "90s");
    CHECK(to_text(48h) == "2d");
    CHECK(bytes_to_text(0) == "0");
    CHECK(bytes_to_text(1536) == "1536");
    CHECK(bytes_to_text(std::uint64_t{3} << 20) == "3MiB");
}
