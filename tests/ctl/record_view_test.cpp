#include "ctl/record_view.hpp"

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"
#include "tests/support/time_zone.hpp"

using namespace smtpauth;

TEST_CASE("people see a line for each record", "[ctl][record_view]")
{
    const test::TimeZone zone("JST-9");
    CHECK(to_line(test::message(), false) ==
          "2026-03-01 21:34:56  accepted   alice                     192.0.2.7 JP        "
          "alice@example.org -> bob@example.net +1  4Xk2Yz1abc");
    CHECK(to_line(test::refusal(), false) ==
          "2026-03-01 21:34:56  rejected   mallory                   2001:db8::7         <>  [reject_ids] 550 5.7.1 "
          "Access denied");
    CHECK(to_line(test::refusal(), true).find("\x1b[31mrejected \x1b[0m") != std::string::npos);
    event::Record block;
    block.type = event::RecordType::block;
    block.auth_id = "alice";
    block.eom_time = test::noon;
    block.until = test::noon + std::chrono::hours(1);
    block.rule = "admin";
    block.reason = "uid 0";
    CHECK(to_line(block, false) ==
          "2026-03-01 21:34:56  blocked    alice                     until 2026-03-01 22:34:56  [admin] uid 0");
    block.until = {}; // there were too many in an hour
    block.rule = "hourly";
    block.reason = "hourly: 21 messages in 1h by this auth_id, at most 20";
    CHECK(to_line(block, false) == "2026-03-01 21:34:56  not blocked  alice                     [hourly] hourly: 21 "
                                   "messages in 1h by this auth_id, at most 20");
}

TEST_CASE("a message without an end, refusals that share a line, and a hole in the log read well", "[ctl][record_view]")
{
    const test::TimeZone zone("JST-9");
    event::Record attempt = test::message();
    attempt.type = event::RecordType::attempt;
    attempt.queue_id.clear();
    attempt.rcpt_refused = 7;
    CHECK(to_line(attempt, false) == "2026-03-01 21:34:56  given up   alice                     192.0.2.7 JP        "
                                     "alice@example.org -> bob@example.net +1  7 recipients refused by the MTA");
    attempt.recipients = {};
    attempt.rcpt_refused = 1;
    CHECK(to_line(attempt, false).ends_with("  alice@example.org  1 recipient refused by the MTA"));
    event::Record folded = test::refusal();
    folded.count = 60;
    CHECK(to_line(folded, false).ends_with("  [reject_ids] 550 5.7.1 Access denied (the last of 60 such)"));
    event::Record loss;
    loss.type = event::RecordType::loss;
    loss.eom_time = test::noon;
    loss.count = 1;
    loss.reason = "the journal was full";
    CHECK(to_line(loss, false).ends_with(" the journal was full (1 record)"));
}

TEST_CASE("a terminal obeys nothing that came by mail", "[ctl][record_view]")
{
    event::Record record = test::message("Q\x1b[2J");
    record.auth_id = "a\x1b]0;title\x07";
    record.sender = "\x1b[31m@\xc2\x9b"
                    "5n";
    record.recipients = {};
    record.recipients.append("b\x08@example.org");
    record.reason = "\r\n";
    const std::string line = to_line(record, false);
    for (const char c : line)
        CHECK(static_cast<unsigned char>(c) >= 0x20);
    CHECK(line.find("\xc2\x9b") == std::string::npos);
}

TEST_CASE("programs see the labels of the log", "[ctl][record_view]")
{
    CHECK(json::serialize(to_json(LoggedRecord{test::message(), {0xa, 7}})) ==
          R"({"id":"000000000000000a-7","time":"2026-03-01T12:34:56.789Z","action":"accept","stage":"eom",)"
          R"("auth_id":"alice","auth_id_raw":"Alice","client_address":"192.0.2.7","client_port":58210,)"
          R"("connect_time":"2026-03-01T12:34:54.000Z","country":"JP","asn":64500,"sender":"alice@example.org",)"
          R"("recipients":["bob@example.net","carol@example.com"],"rcpt_count":2,"rcpt_refused":1,"size":4096,)"
          R"("queue_id":"4Xk2Yz1abc"})");
}
