#include "ctl/top.hpp"

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"

using namespace smtpauth;

namespace {

std::vector<std::string> names(const AccountSums& sums, std::string_view by, std::size_t count = 10)
{
    std::vector<std::string> found;
    for (const auto& row : sums.top(by, count))
        found.emplace_back(row.id);
    return found;
}

using Strings = std::vector<std::string>;

} // namespace

TEST_CASE("accounts are sorted by what is asked for", "[ctl][top]")
{
    AccountSums sums;
    event::Record mail = test::message();
    sums.add(mail);
    mail.auth_id = "bob";
    mail.client_address = "198.51.100.1";
    mail.country = "DE";
    mail.rcpt_unlisted = 40;
    sums.add(mail);
    mail.action = event::Action::hold;
    mail.client_address = "203.0.113.1";
    sums.add(mail);
    event::Record refusal = test::refusal();
    refusal.count = 60;
    sums.add(refusal);
    event::Record block;
    block.type = event::RecordType::block;
    block.auth_id = "nobody";
    sums.add(block);

    CHECK(sums.size() == 3);
    CHECK(names(sums, "messages") == Strings{"alice", "bob"});
    CHECK(names(sums, "recipients") == Strings{"bob", "alice"});
    CHECK(names(sums, "rejects") == Strings{"mallory"});
    CHECK(names(sums, "networks") == Strings{"bob", "alice", "mallory"});
    CHECK(names(sums, "countries", 1) == Strings{"alice"});
    const AccountSum& bob = *sums.top("recipients", 1)[0].sum;
    CHECK(bob.messages == 1);
    CHECK(bob.held == 1);
    CHECK(bob.networks.size() == 2);
    CHECK(sums.top("rejects", 1)[0].sum->rejects == 60);
}
