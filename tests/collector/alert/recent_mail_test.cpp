#include "collector/alert/recent_mail.hpp"

#include <catch2/catch.hpp>

#include "tests/support/alarms.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::limited;
using test::noon;
using test::sent;

namespace {

std::vector<std::string> queue_ids(const RecentMail& mail, event::Time from)
{
    std::vector<std::string> ids;
    mail.for_each_since(from, [&](const RecentMail::Seen& seen) {
        if (!seen.queue_id.empty())
            ids.push_back(seen.queue_id);
    });
    return ids;
}

} // namespace

TEST_CASE("networks of mail are those that limits count", "[collector][alert]")
{
    CHECK(network_text("192.0.2.7") == "192.0.2.0/24");
    CHECK(network_text("2001:db8:1:2:3::4") == "2001:db8:1:2::/64");
    CHECK(network_text("/run/socket").empty());
    CHECK(network_text("").empty());
}

TEST_CASE("what passed an hour ago is forgotten, what passed since is there", "[collector][alert]")
{
    RecentMail mail;
    mail.add(sent("alice", noon, "A1"), "");
    mail.add(sent("alice", noon + 30min, "A2"), "");
    mail.add(sent("alice", noon + 61min, "A3"), "");
    CHECK(queue_ids(mail, noon) == std::vector<std::string>{"A2", "A3"});
    CHECK(queue_ids(mail, noon + 31min) == std::vector<std::string>{"A3"});
    CHECK(mail.is_complete_since(noon));
}

TEST_CASE("a queue id that is none can stand in no command", "[collector][alert]")
{
    RecentMail mail;
    for (const char* id : {"A1; rm -rf /", "-d", "", "A\n1", "A1"})
        mail.add(sent("alice", noon, id), "");
    mail.add(sent("alice", noon, std::string(41, 'A')), "");
    CHECK(queue_ids(mail, noon) == std::vector<std::string>{"A1"});
}

TEST_CASE("refusals from one network within a minute are one entry that counts them", "[collector][alert]")
{
    RecentMail mail;
    for (int at = 0; at < 1000; ++at)
        mail.add(limited("alice", noon + std::chrono::milliseconds(at)), "");
    auto elsewhere = limited("alice", noon + 1s);
    elsewhere.client_address = "203.0.113.9";
    elsewhere.count = 5;
    mail.add(elsewhere, "");
    std::vector<std::uint64_t> counts;
    mail.for_each_since(noon, [&](const RecentMail::Seen& seen) { counts.push_back(seen.count); });
    CHECK(counts == std::vector<std::uint64_t>{1000, 5});
}

TEST_CASE("an account that sends without end takes bounded memory, and one is told", "[collector][alert]")
{
    RecentMail mail;
    for (int at = 0; at < 10000; ++at) {
        mail.add(sent("alice", noon + std::chrono::milliseconds(at), "A" + std::to_string(at)),
                 std::to_string(at) + "@example.com");
        auto refused = limited("alice", noon + std::chrono::milliseconds(at));
        refused.client_address = "10." + std::to_string(at / 200) + "." + std::to_string(at % 200) + ".1";
        mail.add(refused, "");
    }
    const auto ids = queue_ids(mail, noon);
    CHECK(ids.size() <= RecentMail::max_passed);
    CHECK(ids.size() >= RecentMail::max_passed * 3 / 4);
    CHECK(ids.back() == "A9999");
    CHECK(mail.recipients().size() == RecentMail::max_recipients);
    CHECK(mail.recipients().back() == "9999@example.com");
    CHECK_FALSE(mail.is_complete_since(noon));
    CHECK(mail.is_complete_since(noon + 9999ms));
    CHECK(mail.size_bytes() < std::size_t{256} * 1024);
}
