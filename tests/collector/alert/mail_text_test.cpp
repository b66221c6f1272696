#include "collector/alert/mail_text.hpp"

#include <algorithm>
#include <sstream>

#include <catch2/catch.hpp>

#include "collector/alert/commands.hpp"
#include "collector/alert/notice_json.hpp"
#include "collector/alert/printable.hpp"
#include "common/json.hpp"
#include "tests/support/alarms.hpp"
#include "tests/support/time_zone.hpp"

using namespace smtpauth;
using Strings = std::vector<std::string>;

namespace {

const AlarmPlace place{"mx.example.org", "/var/log/smtpauth/stats.log"};
const MailAddresses addresses{"alarm@example.org", {"a@example.com", "b@example.com"}};

Notice notice(std::vector<Alarm> alarms)
{
    return {alarms.front().told, std::move(alarms)};
}

Strings lines_of(const std::string& text)
{
    std::istringstream stream(text);
    Strings lines;
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

bool has_line(const std::string& text, const std::string& line)
{
    const Strings lines = lines_of(text);
    return std::find(lines.begin(), lines.end(), line) != lines.end();
}

/// Text that tries to be more than text.
const std::string hostile =
    "x'; touch /tmp/y; $(id) `id` \"\\\r\nBcc: all@example.com\r\n\r\n.\r\n\x1b[2J\xff\xe2\x80\xae\xc2\x85";

Alarm hostile_alarm()
{
    const std::string text = printable_text(hostile);
    Alarm alarm = test::alarm(text);
    alarm.rule = alarm.reason = alarm.incident = alarm.ended = text;
    alarm.recipients = {text};
    alarm.networks = {{text, text, 1, 1}};
    alarm.countries = {{text, text, 1, 1}};
    alarm.rules = {{text, 1}, {text, 2}};
    alarm.notes = {{alarm.first, text}};
    return alarm;
}

} // namespace

TEST_CASE("the text of an alarm has what an administrator wants to know and to do", "[collector][alert]")
{
    const test::TimeZone zone("UTC");
    const std::string text = text_of(notice({test::alarm("alice@example.com")}), place);
    for (const char* line : {"alice@example.com was stopped by rule \"default\"",
                             "  450 4.7.1 default: 1001 recipients in 1h by this account, at most 1000",
                             "  First:      2026-03-01 12:34:56 +0000",
                             "  Last:       2026-03-01 12:35:56 +0000",
                             "  Stopped:    1000 refused, 3 held, 1 warned of",
                             "  By rule:    default 1000, block 4",
                             "  Accepted:   1 message to 2 recipients since then",
                             "  Last hour:  34 messages to 1000 recipients accepted until 2026-03-01 12:36:06 +0000",
                             "  Countries:  BR 1003, JP 34",
                             "  Networks:   198.51.100.0/24            3 passed, 1000 refused",
                             "              192.0.2.0/24           JP  34 passed, 0 refused",
                             "              and 7 from other networks",
                             "  Sent to:    bob@example.net",
                             "  2026-03-01 12:35:26 +0000  blocked until 2026-03-01T14:34:56Z by rate: too much",
                             "  Incident:   5b36c2cb32b94b2d-43",
                             "smtpauthctl block --for 2d --reason 'password stolen' alice@example.com",
                             "postsuper -h - <<END",
                             "4Xk2Yz1abc",
                             "4Xk2Yz1abd",
                             "END",
                             "smtpauthctl unblock alice@example.com",
                             "How it stands now:  smtpauthctl show alice@example.com",
                             "smtpauth-log-collector on mx.example.org"}) {
        CAPTURE(line, text);
        CHECK(has_line(text, line));
    }
}

TEST_CASE("subjects begin with the account and say how bad it is", "[collector][alert]")
{
    Alarm alarm = test::alarm();
    CHECK(subject_of(notice({alarm})) == "alice: 1000 refused, 3 held, 1 warned of by default");
    Alarm closed = alarm;
    closed.event = Alarm::Event::closed;
    CHECK(subject_of(notice({closed})) == "Over: alice, 1000 refused, 3 held, 1 warned of");
    CHECK(subject_of(notice({alarm, closed, alarm})) == "3 alarms, 1 of them over: alice and others");
    alarm.account.clear();
    alarm.since_first = {};
    CHECK(subject_of(notice({alarm})) == "mail without authentication: nothing refused yet by default");
}

TEST_CASE("a mail's headers are those that mail programs and vacation programs look for", "[collector][alert]")
{
    const std::string mail = mail_of(notice({test::alarm()}), place, addresses);
    CHECK(mail.substr(0, mail.find("\r\n\r\n")) ==
          "Date: Sun, 01 Mar 2026 12:36:06 +0000\r\n"
          "From: alarm@example.org\r\n"
          "To: a@example.com,\r\n b@example.com\r\n"
          "Subject: [smtpauth] alice: 1000 refused, 3 held, 1 warned of by default\r\n"
          "Message-ID: <5b36c2cb32b94b2d-43.opened@mx.example.org>\r\n"
          "Auto-Submitted: auto-generated\r\n"
          "MIME-Version: 1.0\r\n"
          "Content-Type: text/plain; charset=utf-8\r\n"
          "Content-Transfer-Encoding: 7bit");
    Alarm closed = test::alarm();
    closed.event = Alarm::Event::closed;
    const std::string note = mail_of(notice({closed}), place, addresses);
    CHECK(note.find("\r\nMessage-ID: <5b36c2cb32b94b2d-43.closed@mx.example.org>\r\n"
                    "In-Reply-To: <5b36c2cb32b94b2d-43.opened@mx.example.org>\r\n") != std::string::npos);
}

TEST_CASE("a mail that tells of other alarms is another mail; one that is cut down has no recipients",
          "[collector][alert]")
{
    const auto id_of = [](const std::vector<Alarm>& alarms) {
        const std::string mail = mail_of(notice(alarms), place, addresses);
        const std::size_t at = mail.find("Message-ID: ");
        return mail.substr(at, mail.find("\r\n", at) - at);
    };
    const Alarm alarm = test::alarm();
    Alarm other = alarm;
    other.incident = "other";
    Alarm closed = other;
    closed.event = Alarm::Event::closed;
    CHECK(id_of({alarm, other}) != id_of({alarm}));
    CHECK(id_of({alarm, other}) != id_of({alarm, closed}));
    CHECK(id_of({alarm, other}) == id_of({alarm, other}));
    Alarm worse = alarm;
    worse.event = Alarm::Event::worse;
    Alarm reminder = alarm;
    reminder.event = Alarm::Event::reminder;
    CHECK(id_of({worse}) != id_of({alarm}));
    CHECK(id_of({worse}) != id_of({reminder}));
    CHECK(text_of(notice({alarm}), place).find("bob@example.net") != std::string::npos);
    CHECK(text_of(without_recipients(notice({alarm})), place).find("bob@example.net") == std::string::npos);
}

TEST_CASE("no text from outside makes a header, a line or a character that misleads", "[collector][alert]")
{
    const Alarm alarm = hostile_alarm();
    for (const auto& alarms : {std::vector{alarm}, std::vector{alarm, alarm}, std::vector(5, alarm)}) {
        const std::string subject = subject_of(notice(alarms));
        const std::string text = text_of(notice(alarms), place);
        CHECK(subject.find_first_of("\r\n\x1b") == std::string::npos);
        CHECK(text.find_first_of("\r\x1b\x85\xae\xff") == std::string::npos);
        for (const std::string& line : lines_of(text)) {
            CHECK_FALSE(line.starts_with("Bcc"));
            CHECK(line != ".");
        }
        const std::string mail = mail_of(notice(alarms), place, addresses);
        CHECK(mail.find("\nBcc") == std::string::npos);
        CHECK(lines_of(mail.substr(0, mail.find("\r\n\r\n"))).size() == 10);
    }
    CHECK(log_line(alarm).find_first_of("\r\n\x1b") == std::string::npos);
}

TEST_CASE("lines are bounded, but for commands, which stay whole", "[collector][alert]")
{
    Alarm alarm = test::alarm(printable_text(std::string(5000, '\xff')));
    alarm.reason = alarm.recipients[0] = std::string(5000, 'x');
    const Notice long_one = notice({alarm});
    for (const std::string& line : lines_of(text_of(long_one, place)))
        CHECK((line.size() <= max_text_line || line.starts_with("smtpauthctl ")));
    CHECK(subject_of(long_one).size() < 200);
    for (const std::string& line : lines_of(mail_of(long_one, place, addresses)))
        CHECK(line.size() <= 999);
}

TEST_CASE("many alarms are a list first, then what is to be done about each", "[collector][alert]")
{
    const test::TimeZone zone("UTC");
    std::vector<Alarm> alarms(100);
    for (std::size_t at = 0; at < alarms.size(); ++at)
        alarms[at] = test::alarm("user" + std::to_string(at));
    const std::string text = text_of(notice(alarms), place);
    const Strings lines = lines_of(text);
    CHECK(lines[0] == "100 incidents began or ended:");
    CHECK(lines[2] == "  user0 was stopped by rule \"default\"; 1000 refused, 3 held, 1 warned of");
    CHECK(lines[101].starts_with("  user99 "));
    CHECK(has_line(text, "smtpauthctl unblock user99"));
    CHECK(text.size() < std::size_t{256} * 1024);
}

TEST_CASE("an account's name is one word of a shell, and no option", "[collector][alert]")
{
    CHECK(shell_quoted("alice@example.com") == "alice@example.com");
    CHECK(shell_quoted("") == "''");
    CHECK(shell_quoted("a b") == "'a b'");
    CHECK(shell_quoted("o'hara") == R"('o'\''hara')");
    CHECK(shell_quoted("$(id)\\n;*~") == R"('$(id)\n;*~')");
    CHECK(unblock_command("--json") == "smtpauthctl unblock -- --json");
    CHECK(hold_command({"A1", "B2"}) == "postsuper -h - <<END\nA1\nB2\nEND");
    CHECK(
        hold_all_command("a'b", "/l/s") ==
        R"~(grep -ahsF "$(printf '\tauth_id:%s\t' 'a'\''b')" /l/s /l/s.* | grep -aoP '\tqueue_id:\K[^\t]+' | postsuper -h -)~");
}

TEST_CASE("text is shown as in the logs, without what turns lines round", "[collector][alert]")
{
    CHECK(printable_text("J\xc3\xbcrgen\t\\") == "J\xc3\xbcrgen\\t\\\\");
    CHECK(printable_text("a\xe2\x80\xae"
                         "b\xc2\x85\xe2\x80\x8f\xe2\x81\xa6\xe2\x80\xa8") ==
          R"(a\xe2\x80\xaeb\xc2\x85\xe2\x80\x8f\xe2\x81\xa6\xe2\x80\xa8)");
    CHECK(printable_text("\xe2\x82\xac\xe2\x80\x93\xc3\x80") == "\xe2\x82\xac\xe2\x80\x93\xc3\x80");
}

TEST_CASE("headers that are not ASCII are encoded words, none too long, no character in two", "[collector][alert]")
{
    CHECK(header_text("plain") == "plain");
    CHECK(header_text("J\xc3\xbc") == "=?utf-8?B?SsO8?=");
    std::string text;
    for (int at = 0; at < 100; ++at)
        text += "\xe2\x82\xac";
    for (const std::string& line : lines_of(header_text(text))) {
        CHECK(line.size() <= 77);
        CHECK(line.find("=?utf-8?B?4oKs") != std::string::npos); // each begins with a whole character
    }
    CHECK(base64("") == "");
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foob") == "Zm9vYg==");
    Alarm alarm = test::alarm("J\xc3\xbcrgen");
    CHECK(mail_of(notice({alarm}), place, addresses).find("Content-Transfer-Encoding: base64\r\n") !=
          std::string::npos);
}

TEST_CASE("the hook's JSON has the alarm's members and its commands, in one line", "[collector][alert]")
{
    const std::string line = json_of(notice({test::alarm(), hostile_alarm()}), place);
    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    CHECK(line.back() == '\n');
    const auto value = parse_json(line);
    REQUIRE(value);
    const json::object& object = value->as_object();
    CHECK(object.at("version") == 1);
    CHECK(object.at("host") == "mx.example.org");
    REQUIRE(object.at("alarms").as_array().size() == 2);
    const json::object& first = object.at("alarms").as_array()[0].as_object();
    CHECK(first.at("account") == "alice");
    CHECK(first.at("time") == "2026-03-01T12:36:06Z");
    CHECK(first.at("since_first").as_object().at("refused") == 1000);
    CHECK(first.at("commands").as_object().at("unblock") == "smtpauthctl unblock alice");
}
