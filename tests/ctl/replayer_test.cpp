#include "ctl/replayer.hpp"

#include <catch2/catch.hpp>

#include "tests/support/risk_site.hpp"

using namespace smtpauth;
using namespace smtpauth::test;
using namespace std::chrono_literals;

namespace {

const RiskFrom abroad{"198.51.100.9", "BR", 64600};

/// A log, fed line by line.
struct Log {
    explicit Log(Replayer::Settings settings = {}) : replayer(std::move(settings)) {}

    void take(event::Record record) { replayer.take(record); }

    event::Time live_two_weeks()
    {
        for (int day = 0; day < 14; ++day)
            for (int hour = 9; hour < 17; ++hour)
                take(RiskSite::mail(risk_monday + std::chrono::hours(24 * day + hour), home,
                                    {RiskSite::acquaintance(day + hour)}));
        return risk_monday + 24h * 14 + 8h;
    }

    void spam(event::Time begin, int count, const RiskFrom& from = abroad)
    {
        for (int mail = 0; mail < count; ++mail)
            take(RiskSite::mail(begin + 1s * mail, from, {"s" + std::to_string(++strangers) + "@example.com"}));
    }

    Replayer replayer;
    int strangers = 0;
};

} // namespace

TEST_CASE("a hijacked account is blocked, and what it sends on is counted", "[ctl][replay]")
{
    Log log;
    const event::Time now = log.live_two_weeks();
    log.spam(now, 100);
    log.take(RiskSite::mail(now + 1h, home, {RiskSite::acquaintance(1)}));
    REQUIRE(log.replayer.blocks().size() == 1);
    const ReplayBlock& block = log.replayer.blocks().front();
    CHECK(block.auth_id == "alice");
    CHECK(block.from == now + 7s);
    CHECK(block.until == now + 7s + 4h);
    CHECK(block.passed_recipients == 7);
    CHECK(block.refused_messages == 94);
    CHECK(block.refused_familiar == 1);
    CHECK(log.replayer.counts().stopped_recipients == 94);
    CHECK(log.replayer.counts().released_recipients == 0);
}

TEST_CASE("each block within a week takes twice as long as the one before", "[ctl][replay]")
{
    Log log;
    const event::Time now = log.live_two_weeks();
    log.spam(now, 100);
    log.spam(now + 24h, 100);
    log.spam(now + 24h * 12, 100);
    REQUIRE(log.replayer.blocks().size() == 3);
    const auto length = [&](std::size_t at) {
        return log.replayer.blocks()[at].until - log.replayer.blocks()[at].from;
    };
    CHECK(length(0) == 4h);
    CHECK(length(1) == 8h);
    CHECK(length(2) == 4h);
}

TEST_CASE("mail that had been refused is judged like any other", "[ctl][replay]")
{
    Log log;
    log.live_two_weeks();
    event::Record refused = RiskSite::mail(risk_monday + 24h * 15, home, {RiskSite::acquaintance(1)});
    refused.action = event::Action::tempfail;
    refused.rule = "hourly";
    log.take(refused);
    CHECK(log.replayer.counts().released_recipients == 1);
    refused.rule = "reject_ids"; // a hand's work stays as it is
    log.take(refused);
    CHECK(log.replayer.counts().released_recipients == 1);
}

TEST_CASE("limits are judged by the filter's own checks", "[ctl][replay]")
{
    LimitRule rule;
    rule.name = "hourly";
    rule.limit = 10;
    rule.window = 1h;
    Log log({.limits = {rule}});
    std::vector<std::string> rules;
    log.replayer.on_refused([&](const event::Record&, const ReplayBlock* made, const Verdict& verdict) {
        CHECK(made == nullptr);
        rules.emplace_back(verdict.rule);
    });
    for (int mail = 0; mail < 12; ++mail)
        log.take(RiskSite::mail(risk_monday + 1min * mail, home, {RiskSite::acquaintance(mail)}));
    CHECK(log.replayer.counts().passed == 10);
    CHECK(rules == std::vector<std::string>{"hourly", "hourly"});
}

TEST_CASE("who was blocked by hand stays blocked, until a hand lets go", "[ctl][replay]")
{
    Log log;
    log.live_two_weeks();
    event::Record order;
    order.type = event::RecordType::block;
    order.auth_id = "alice";
    order.rule = "admin";
    order.eom_time = risk_monday + 24h * 15;
    order.until = order.eom_time + 24h;
    log.take(order);
    log.take(RiskSite::mail(order.eom_time + 1h, home, {RiskSite::acquaintance(1)}));
    CHECK(log.replayer.counts().refused_by_block == 1);
    order.type = event::RecordType::unblock;
    order.eom_time += 2h;
    log.take(order);
    log.take(RiskSite::mail(order.eom_time + 1h, home, {RiskSite::acquaintance(1)}));
    CHECK(log.replayer.counts().refused_by_block == 1);
    CHECK(log.replayer.counts().blocks == 0);
}

TEST_CASE("a thief is seen who comes while the owner's own mailing has the account blocked", "[ctl][replay]")
{
    Log log;
    const event::Time now = log.live_two_weeks();
    std::vector<std::string> reasons;
    log.replayer.on_refused([&](const event::Record&, const ReplayBlock* made, const Verdict&) {
        if (made)
            reasons.push_back(made->reason);
    });
    log.spam(now, 500, home);
    log.spam(now + 1h, 10);
    REQUIRE(reasons.size() == 2);
    CHECK(reasons[0].starts_with("risk/1h"));
    CHECK(reasons[1] == "blocked already; 198.51.100.9/BR is a new country, usual country JP");
    CHECK(log.replayer.counts().blocks == 1);
}

TEST_CASE("countries come from the table where the line tells none", "[ctl][replay]")
{
    Replayer::Settings settings;
    REQUIRE(settings.places.add("192.0.2.0/24,JP,64500\n198.51.100.0/24,BR,64600\n").empty());
    Log log(std::move(settings));
    for (int day = 0; day < 14; ++day)
        for (int hour = 9; hour < 17; ++hour)
            log.take(RiskSite::mail(risk_monday + std::chrono::hours(24 * day + hour), {"192.0.2.7"},
                                    {RiskSite::acquaintance(day + hour)}));
    log.spam(risk_monday + 24h * 15, 100, {"198.51.100.9"});
    REQUIRE(log.replayer.blocks().size() == 1);
    CHECK(log.replayer.blocks().front().passed_recipients == 7);
    CHECK(log.replayer.blocks().front().reason.ends_with("198.51.100.9/BR is a new country, usual country JP"));
}
