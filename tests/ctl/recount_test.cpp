#include "ctl/recount.hpp"

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

namespace {

constexpr auto noon = test::noon;

event::Record mail(event::Time time, std::uint32_t recipients = 1)
{
    event::Record record = test::message();
    record.eom_time = time;
    record.recipients = {};
    record.rcpt_unlisted = recipients;
    return record;
}

std::vector<LoggedRecord> logged(const std::vector<event::Record>& records)
{
    std::vector<LoggedRecord> found;
    found.reserve(records.size());
    for (const event::Record& record : records)
        found.push_back({record, {0xa, found.size() + 1}});
    return found;
}

const LimitRule hourly{.name = "hourly", .measure = Measure::recipients, .limit = 10, .window = 1h};

} // namespace

TEST_CASE("a limit is judged again by the mail before", "[ctl][recount]")
{
    const auto past = logged({mail(noon - 1h, 8), mail(noon - 30min, 4), mail(noon - 10min, 5)});
    const Recount count = recount(hourly, past, mail(noon, 2), 100);
    CHECK(count.used == 9);
    CHECK(count.total() == 11);
    CHECK(count.listed() == 9);
    CHECK(count.action == event::Action::tempfail);
    CHECK(count.answer == "450 4.7.1 hourly: 11 recipients in 1h by this auth_id, at most 10; try again in 30m");
    CHECK(count.free == noon + 30min);
    CHECK(count.clear == noon + 50min);
    REQUIRE(count.counted.size() == 2);
    CHECK(count.counted[0].leaves == noon + 30min);
}

TEST_CASE("a clock that was set back makes the list and the sum differ", "[ctl][recount]")
{
    // The second charge takes the first one back with it, beyond what the rule looks at.
    const auto past = logged({mail(noon - 10min, 4), mail(noon - 65min, 5)});
    const Recount count = recount(hourly, past, mail(noon - 6min), 100);
    CHECK(count.used == 9);
    CHECK(count.listed() == 9);
    const Recount later = recount(hourly, past, mail(noon), 100);
    CHECK(later.used == 0);
    CHECK(later.listed() == 4);
}

TEST_CASE("an account without a limit stands without one", "[ctl][recount]")
{
    LimitRule rule = hourly;
    rule.exceptions.accounts["alice"] = std::nullopt;
    const Recount count = standing(rule, logged({mail(noon - 1min, 40)}), mail(noon), 100);
    CHECK(count.used == 40);
    CHECK_FALSE(count.limit);
}
