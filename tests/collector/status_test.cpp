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
        .rejects_log = "/l/r",
        .alarms = {.open = 2,
                   .raised = 5,
                   .memory = {.accounts = 3, .bytes = 4000, .forgotten = 1},
                   .max_bytes = 5000,
                   .mail_is_on = true,
                   .hook_is_on = true,
                   .mail = {.delivered = 4, .failed = 2, .given_up = 0, .waiting = 1, .error = "no\xff"},
                   .hook = {.delivered = 5, .failed = 0, .given_up = 0, .waiting = 0, .error = {}}}};
    CHECK(
        json::serialize(to_json(status)) ==
        R"({"filters":[{"instance":"smtpauth-filter@\\xff","journal":"0000000000000abc",)"
        R"("last_received":9,"last_acknowledged":7}],)"
        R"("stats_log":{"file":"/l/s","records":5,"duplicates_dropped":1},)"
        R"("rejects_log":{"file":"/l/r","records":2,"duplicates_dropped":0},)"
        R"("waiting":{"records":2,"used_bytes":300,"limit_bytes":4096,"writing":true},)"
        R"("alarms":{"open_incidents":2,"raised":5,"accounts":3,"used_bytes":4000,"limit_bytes":5000,"forgotten_early":1,)"
        R"("mail":{"delivered":4,"waiting":1,"failed_tries":2,"given_up":0,"error":"no\\xff"},)"
        R"("hook":{"delivered":5,"waiting":0,"failed_tries":0,"given_up":0}}})");
    status.logs.problem = "/l/s: No space left on device";
    CHECK(to_json(status).at("logs_cannot_be_written").as_string() == "/l/s: No space left on device");
}
