#include "collector/status.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;

TEST_CASE("a collector's figures have names and units", "[collector][status]")
{
    CollectorStatus status{
        .filters = {{.instance = "smtpauth-filter@\xff", .journal = 0xabc, .last_received = 9, .last_acknowledged = 7}},
        .waiting = {.records = 2, .bytes = 300, .max_bytes = 4096},
        .logs = {.stats = {.written = 5, .duplicates = 1}, .rejects = {.written = 2}, .writing = true, .problem = {}},
        .stats_log = "/l/s",
        .rejects_log = "/l/r"};
    CHECK(json::serialize(to_json(status)) ==
          R"({"filters":[{"instance":"smtpauth-filter@\\xff","journal":"0000000000000abc",)"
          R"("last_received":9,"last_acknowledged":7}],)"
          R"("stats_log":{"file":"/l/s","records":5,"duplicates_dropped":1},)"
          R"("rejects_log":{"file":"/l/r","records":2,"duplicates_dropped":0},)"
          R"("waiting":{"records":2,"used_bytes":300,"limit_bytes":4096,"writing":true}})");
    status.logs.problem = "/l/s: No space left on device";
    CHECK(to_json(status).at("logs_cannot_be_written").as_string() == "/l/s: No space left on device");
}
