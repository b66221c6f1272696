#include "ctl/status.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;

namespace {

const std::vector<DaemonStatus> one_is_down = {
    {{"smtpauth-filter", "/run/f.sock"}, json::object{{"pid", 7}}},
    {{"smtpauth-log-collector", "/run/c.sock"}, ControlRefusal{"down", "cannot connect: Connection refused"}}};

} // namespace

TEST_CASE("people see a table for each daemon, and which is down", "[ctl][status]")
{
    CHECK(to_text(one_is_down) ==
          "smtpauth-filter\n"
          "  pid  7\n"
          "\n"
          "smtpauth-log-collector does not answer at /run/c.sock: cannot connect: Connection refused\n");
}

TEST_CASE("programs see one JSON document", "[ctl][status]")
{
    CHECK(to_json_text(one_is_down) ==
          R"({"daemons":[{"daemon":"smtpauth-filter","socket":"/run/f.sock","status":{"pid":7}},)"
          R"({"daemon":"smtpauth-log-collector","socket":"/run/c.sock","error":"cannot connect: Connection refused"}]})"
          "\n");
}
