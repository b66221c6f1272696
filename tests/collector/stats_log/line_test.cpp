#include "collector/stats_log/line.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "collector/stats_log/line_reader.hpp"
#include "tests/support/records.hpp"
#include "tests/support/time_zone.hpp"

using namespace smtpauth;
using test::message;
using test::refusal;
using test::TimeZone;

namespace {

const event::RecordId id{0x1234, 42};

std::string line_of(const event::Record& record, LogRecipients recipients = LogRecipients::full)
{
    const TimeZone local("JST-9");
    std::string line;
    append_line(line, record, id, recipients);
    return line;
}

std::string error_of(std::string_view line)
{
    const auto read = read_log_line(line);
    const auto* bad = std::get_if<BadLine>(&read);
    return bad ? bad->error : "";
}

} // namespace

TEST_CASE("a message that passed is one line with its labels in a fixed order", "[stats_log][line]")
{
    CHECK(line_of(message()) ==
          "client_address:192.0.2.7\tclient_port:58210\tconnect_time:2026-03-01 21:34:54 +0900\tauth_id:alice\t"
          "sender:alice@example.org\teom_time:2026-03-01 21:34:56 +0900\trecipient:bob@example.net\t"
          "recipient:carol@example.com\tsize:4096\tqueue_id:4Xk2Yz1abc\tcountry:JP\tasn:64500\trcpt_count:2\t"
          "rcpt_refused:1\tauth_id_raw:Alice\teom_ms:789\tid:0000000000001234-42\n");
}

TEST_CASE("a rule that would have acted is named", "[stats_log][line]")
{
    auto record = message();
    record.action = event::Action::warn;
    record.rule = "limit";
    CHECK_THAT(line_of(record), Catch::Contains("\taction:warn\trule:limit\teom_ms:789\tid:"));
}

TEST_CASE("a clock before 1970 makes no line that cannot be read", "[stats_log][line]")
{
    event::Record record;
    record.eom_time = event::Time(std::chrono::milliseconds(-211));
    CHECK(line_of(record) == "eom_time:1970-01-01 08:59:59 +0900\teom_ms:789\tid:0000000000001234-42\n");
    CHECK(error_of(line_of(record)).empty());
}

TEST_CASE("what is unknown leaves no label", "[stats_log][line]")
{
    event::Record record;
    record.sender = "";
    record.eom_time = test::noon;
    CHECK(line_of(record) == "sender:<>\teom_time:2026-03-01 21:34:56 +0900\teom_ms:789\tid:0000000000001234-42\n");
}

TEST_CASE("a refusal also tells stage and reason, at the end", "[stats_log][line]")
{
    CHECK(line_of(refusal()) ==
          "client_address:2001:db8::7\tauth_id:mallory\tsender:<>\teom_time:2026-03-01 21:34:56 +0900\taction:reject\t"
          "rule:reject_ids\teom_ms:789\tid:0000000000001234-42\tstage:mail\treason:550 5.7.1 Access denied\n");
}

TEST_CASE("a loss tells how many records", "[stats_log][line]")
{
    event::Record loss;
    loss.type = event::RecordType::loss;
    loss.eom_time = test::noon;
    loss.reason = "1 records lost";
    CHECK(line_of(loss) == "eom_time:2026-03-01 21:34:56 +0900\taction:loss\teom_ms:789\tid:0000000000001234-42\t"
                           "reason:1 records lost\tcount:1\n");
}

TEST_CASE("nothing that a client sends can forge a field or a line", "[stats_log][line]")
{
    auto record = message();
    record.auth_id = "eve\tid:0000000000001234-1\nclient_address:203.0.113.9";
    record.sender = "\xff%n";
    const std::string line = line_of(record);
    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    CHECK_THAT(line, Catch::Contains("\tauth_id:eve\\tid:0000000000001234-1\\nclient_address:203.0.113.9\t"));
    CHECK_THAT(line, Catch::Contains("\tsender:\\xff%n\t"));
    CHECK(std::get<LoggedRecord>(read_log_line(line)).id == id);
}

TEST_CASE("recipients are logged as far as the administrator wants", "[stats_log][line]")
{
    auto record = message();
    record.recipients.append("root");
    CHECK_THAT(line_of(record, LogRecipients::domain),
               Catch::Contains("\trecipient:@example.net\trecipient:@example.com\trecipient:@\tsize:"));
    CHECK_THAT(line_of(record, LogRecipients::count), !Catch::Contains("recipient"));
    CHECK_THAT(line_of(record, LogRecipients::count), Catch::Contains("\trcpt_count:3\t"));
    const auto counted = std::get<LoggedRecord>(read_log_line(line_of(record, LogRecipients::count)));
    CHECK(event::recipient_count(counted.record) == 3);
}

TEST_CASE("a block is a line of no mail", "[stats_log][line]")
{
    event::Record block;
    block.type = event::RecordType::block;
    block.auth_id = "alice";
    block.eom_time = test::noon;
    block.until = test::noon + std::chrono::hours(2);
    block.rule = "admin";
    block.reason = "stolen; uid 0";
    CHECK(line_of(block) == "auth_id:alice\teom_time:2026-03-01 21:34:56 +0900\taction:block\trule:admin\teom_ms:789\t"
                            "id:0000000000001234-42\treason:stolen; uid 0\tuntil:2026-03-01 23:34:56 +0900\n");
}

TEST_CASE("a line reads as it was written", "[stats_log][line]")
{
    auto held = message();
    held.action = event::Action::hold;
    held.reason = "held";
    auto folded = refusal();
    folded.stage = event::Stage::rcpt;
    folded.action = event::Action::tempfail;
    folded.count = 61;
    auto crowd = message();
    crowd.rcpt_unlisted = 90000;
    event::Record loss;
    loss.type = event::RecordType::loss;
    loss.count = 1;
    event::Record block;
    block.type = GENERATE(event::RecordType::block, event::RecordType::unblock);
    block.auth_id = "alice";
    block.eom_time = test::noon;
    block.until = std::chrono::floor<std::chrono::seconds>(test::noon) + std::chrono::hours(2);
    block.rule = "admin";
    block.reason = "stolen; uid 0";
    auto record = GENERATE_COPY(values({message(), refusal(), held, folded, crowd, loss, block, event::Record{}}));

    const auto logged = std::get<LoggedRecord>(read_log_line(line_of(record)));
    CHECK(logged.id == id);
    record.connect_time = std::chrono::floor<std::chrono::seconds>(record.connect_time);
    CHECK(logged.record == record);
}

TEST_CASE("id and time of a line are found without reading it, and cannot be forged", "[stats_log][line]")
{
    auto record = message();
    record.auth_id = "eve\tid:0000000000001234-1\teom_time:2020-01-01 00:00:00 +0000";
    record.sender = "eom_time:2020-01-01 00:00:00 +0000";
    const auto marks = marks_of(line_of(record));
    REQUIRE(marks);
    CHECK(marks->id == id);
    CHECK(marks->eom_time == std::chrono::floor<std::chrono::seconds>(test::noon));

    CHECK(marks_of("auth_id:x\tid:0000000000001234-7\tstage:mail")->eom_time == event::Time{});
    for (const char* line : {"", "auth_id:alice", "id:0000000000001234-7", "a:b\tid:7", "a:\\tid:0000000000001234-7"}) {
        CAPTURE(line);
        CHECK_FALSE(marks_of(line));
    }
}

TEST_CASE("a line of somebody else is refused with its label", "[stats_log][line]")
{
    CHECK(error_of("auth_id:alice") == "no label id");
    CHECK(error_of("id:7") == "id: a value that this label cannot have");
    CHECK(error_of("size:12k\tid:0000000000001234-42") == "size: a value that this label cannot have");
    CHECK(error_of("eom_time:now\tid:0000000000001234-42") == "eom_time: a value that this label cannot have");
    CHECK(error_of("eom_ms:1000\tid:0000000000001234-42") == "eom_ms: a value that this label cannot have");
    CHECK(error_of("action:shrug\tid:0000000000001234-42") == "action: a value that this label cannot have");
    CHECK_THAT(error_of("just text"), Catch::Contains("expected LABEL:VALUE"));
    CHECK(error_of("new_label:x\tid:0000000000001234-42").empty());
}
