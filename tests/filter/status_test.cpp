#include "filter/status.hpp"

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

TEST_CASE("a filter's figures have names and units", "[filter][status]")
{
    FilterStatus status;
    status.connections = 2;
    status.held_bytes = 700;
    status.closed = {1, 2, 3, 4, 5, 6, 7, 8};
    status.decisions = {.passed = 10, .refused = 3};
    status.accounts = {.accounts = 4, .bytes = 5, .evicted = 7};
    status.state_max_bytes = 6;
    status.last = 13;
    status.acknowledged = 11;
    status.waiting_replies = 1;
    status.journal.used_bytes = 512;
    status.journal.lost = {.messages = 1, .others = 2};
    status.journal.error = "/j: No space left on device";
    status.journal_max_bytes = 1024;
    status.sender.sent = 12;
    status.sender.oldest = test::noon;
    status.sender.error = "No such file or directory";
    status.collector = "/run/e\xff.sock";
    CHECK(
        json::serialize(to_json(status, test::noon + 2500ms)) ==
        R"({"connections":2,"held_bytes":700,"closed":{"not_allowed":1,"too_many":2,"not_negotiated":3,"bad_packet":4,)"
        R"("unfinished_packet":5,"too_much_held":6,"takes_no_replies":7,"silent":8},"messages":{"passed":10,"refused":3},)"
        R"("accounts":{"known":4,"used_bytes":5,"limit_bytes":6,"forgotten_early":7},)"
        R"("records":{"journaled":13,"sent":12,"acknowledged":11,"waiting":2,"oldest_waiting_s":2},)"
        R"("lost":{"messages":1,"others":2},)"
        R"("journal":{"used_bytes":512,"limit_bytes":1024,"waiting_replies":1,"error":"/j: No space left on device"},)"
        R"("collector":{"socket":"/run/e\\xff.sock","connected":false,"error":"No such file or directory"}})");
}

TEST_CASE("nothing waits, so nothing has an age; and no age is below 0", "[filter][status]")
{
    FilterStatus status;
    status.last = 2;
    status.acknowledged = 1;
    status.sender.oldest = test::noon;
    CHECK(to_json(status, test::noon - 10s).at("records").as_object().at("oldest_waiting_s") == 0);
    status.acknowledged = 2;
    CHECK_FALSE(to_json(status, test::noon).at("records").as_object().contains("oldest_waiting_s"));
}

TEST_CASE("what an earlier start sent counts as sent", "[filter][status]")
{
    FilterStatus status;
    status.last = status.acknowledged = 7;
    CHECK(to_json(status, test::noon).at("records").as_object().at("sent") == 7U);
}
