#include "filter/policy/risk_check.hpp"

#include <catch2/catch.hpp>

#include "tests/support/risk_site.hpp"

using namespace smtpauth;
using namespace smtpauth::test;
using namespace std::chrono_literals;
using Catch::Matchers::Equals;

namespace {

const RiskFrom abroad{"198.51.100.9", "BR", 64600};

} // namespace

TEST_CASE("mail beyond the budget is refused in the name of the rule", "[filter][risk]")
{
    RiskSite site({.reply = "550 5.7.1 No"});
    const event::Time now = site.live_two_weeks();
    const Verdict verdict = site.check.at_end_of_message(RiskSite::mail(now, abroad, site.strangers(20)));
    CHECK(verdict.action == event::Action::reject);
    CHECK(verdict.reply == "550 5.7.1 No");
    CHECK(verdict.rule == "risk");
}

TEST_CASE("the reason shows all that was counted", "[filter][risk]")
{
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    auto recipients = site.strangers(16);
    recipients.push_back(RiskSite::acquaintance(1));
    const event::Record mail = RiskSite::mail(now, abroad, recipients);
    const RiskAssessment found = site.check.assess(mail);
    REQUIRE(site.check.objects(mail, found));
    // 16 x (16/17)^4 x 4
    CHECK_THAT(site.check.reason(mail, found),
               Equals("risk/3d 50.2>30: 17 recipients, 16 never mailed before, 1 known; 1 unfamiliar network in 1 new "
                      "country in 1h; 198.51.100.9/BR is a new country, usual country JP"));
}

TEST_CASE("a warning is one", "[filter][risk]")
{
    RiskSite site({.action = event::Action::warn});
    const event::Time now = site.live_two_weeks();
    CHECK(site.check.at_end_of_message(RiskSite::mail(now, abroad, site.strangers(20))).passes());
}

TEST_CASE("mail without an account is none of its business", "[filter][risk]")
{
    RiskSite site;
    CHECK(site.check.at_end_of_message(RiskSite::mail(risk_monday, abroad, site.strangers(500), "")).passes());
}

TEST_CASE("a declared bulk sender is free from familiar places only", "[filter][risk]")
{
    const bool declared = GENERATE(false, true);
    RiskSite site({.bulk = declared ? std::unordered_set<std::string>{"alice"} : std::unordered_set<std::string>{}});
    const event::Time now = site.live_two_weeks();
    CHECK(site.send(now, home, site.strangers(5000)) == declared);
    CHECK_FALSE(site.send(now + 24h, abroad, site.strangers(20)));
}

TEST_CASE("what costs nothing passes, whatever was spent", "[filter][risk]")
{
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    site.leaked(now, home, 1000);
    CHECK_FALSE(site.send(now + 10min, home, site.strangers(40)));
    CHECK(site.send(now + 10min, home, {RiskSite::acquaintance(1)}));
}
