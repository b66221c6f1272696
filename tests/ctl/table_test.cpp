#include "ctl/table.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;

TEST_CASE("each figure has a line, with its unit", "[ctl][table]")
{
    CHECK(to_table({{"version", "0.1.0"},
                    {"uptime_s", 93784},
                    {"records", {{"waiting", 2}, {"oldest_waiting_s", 7}}},
                    {"journal", {{"used_bytes", 1536}, {"limit_bytes", 1073741824}}},
                    {"connected", false}}) == "  version    0.1.0\n"
                                              "  uptime     1d 2h\n"
                                              "  records    waiting 2, oldest waiting 7s\n"
                                              "  journal    used 1.5 KiB, limit 1 GiB\n"
                                              "  connected  no\n");
}

TEST_CASE("a list has a line for each element, and says where it is empty", "[ctl][table]")
{
    CHECK(to_table({{"filters", json::array{json::object{{"instance", "a"}}, json::object{{"instance", "b"}}}},
                    {"problems", json::array()}}) == "  filters   instance a\n"
                                                     "            instance b\n"
                                                     "  problems  none\n");
    CHECK(to_table(
              {{"problems", json::array{json::object{{"time", "12:00"}, {"level", "error"}, {"text", "no disk"}}}}}) ==
          "  problems  12:00 error: no disk\n");
}

TEST_CASE("durations have two units at most", "[ctl][table]")
{
    const auto shown = [](std::int64_t seconds) { return to_table({{"x_s", seconds}}); };
    CHECK(shown(0) == "  x  0s\n");
    CHECK(shown(59) == "  x  59s\n");
    CHECK(shown(60) == "  x  1m 0s\n");
    CHECK(shown(3661) == "  x  1h 1m\n");
}

TEST_CASE("no answer can command the terminal", "[ctl][table]")
{
    CHECK(printable("z\xc3\xbc\x1b[31m\x7f\n\xc2\x9b") == "z\xc3\xbc\\x1b[31m\\x7f\\x0a\\xc2\\x9b");
    CHECK(to_table({{"a\x1b", "b\x1b"}, {"c", json::array{"\x1b"}}}).find('\x1b') == std::string::npos);
}
