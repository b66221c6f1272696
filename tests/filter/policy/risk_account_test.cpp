// What the risk budget lets pass and what it stops, as stories.
#include "filter/policy/risk_account.hpp"

#include <catch2/catch.hpp>

#include "tests/support/risk_site.hpp"

using namespace smtpauth;
using namespace smtpauth::test;
using namespace std::chrono_literals;

namespace {

const RiskFrom abroad{"198.51.100.9", "BR", 64600};
const RiskFrom at_home_elsewhere{"203.0.113.5", "JP", 64700};

/// One mail every three hours for `days`, then a burst.
/// @return  how many recipients got any of it before the first was refused.
int patient(RiskSite& site, event::Time begin, const RiskFrom& from, int days)
{
    for (int mail = 0; mail < days * 8; ++mail)
        if (!site.send(begin + 3h * mail, from, {site.stranger()}))
            return mail;
    return days * 8 + site.leaked(begin + 24h * days, from, 1000);
}

} // namespace

TEST_CASE("an account that nobody else uses sends as it likes", "[filter][risk]")
{
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    for (int mail = 0; mail < 100; ++mail)
        CHECK(site.send(now + 1min * mail, home, {RiskSite::acquaintance(mail)}));
    CHECK(site.leaked(now + 2h, home, 100) == 100);
}

TEST_CASE("a new country gets at most ten strangers out", "[filter][risk]")
{
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    CHECK(site.leaked(now, abroad, 100) == 7);
}

TEST_CASE("five new countries in ten minutes get at most ten strangers out, and home goes on", "[filter][risk]")
{
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    int leaked = 0;
    for (int mail = 0; mail < 50; ++mail) {
        const int country = mail % 5;
        const RiskFrom from{"198.51." + std::to_string(100 + country) + ".1", std::string("B") + char('A' + country),
                            64600 + static_cast<std::uint32_t>(country)};
        leaked += site.send(now + 12s * mail, from, {site.stranger()}) ? 1 : 0;
    }
    CHECK(leaked <= 10);
    CHECK(site.send(now + 11min, home, {RiskSite::acquaintance(1)}));
}

TEST_CASE("a message to many is stopped as a whole", "[filter][risk]")
{
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    const auto strangers = site.strangers(50);
    CHECK_FALSE(site.send(now, abroad, strangers));
    CHECK(site.send(now + 1s, home, strangers));
}

TEST_CASE("a patient attacker abroad does not become familiar", "[filter][risk]")
{
    const int days = GENERATE(2, 4, 8, 20);
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    CHECK(patient(site, now, abroad, days) <= 20);
}

TEST_CASE("neither does one in the victim's own country", "[filter][risk]")
{
    const int days = GENERATE(2, 4, 8, 20);
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    CHECK(patient(site, now, at_home_elsewhere, days) <= 20);
}

TEST_CASE("boxes that an attacker writes to again and again vouch for nothing", "[filter][risk]")
{
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    for (int mail = 0; mail < 60; ++mail)
        site.send(now + 3h * mail, abroad, {"box" + std::to_string(mail % 5) + "@example.com"});
    CHECK(site.leaked(now + 200h, abroad, 100) <= 10);
}

TEST_CASE("a traveller who writes to known recipients vouches for the place", "[filter][risk]")
{
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    for (int day = 0; day < 3; ++day)
        for (int mail = 0; mail < 8; ++mail)
            CHECK(site.send(now + 24h * day + 1h * mail, abroad, {RiskSite::acquaintance(mail), site.stranger()}));
    CHECK(site.leaked(now + 24h * 4, abroad, 100) >= 60);
}

TEST_CASE("many networks of the own country in an hour cost more than one", "[filter][risk]")
{
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    const auto from = [](int mail) {
        return RiskFrom{"203.0." + std::to_string(mail) + ".1", "JP", 64700 + static_cast<std::uint32_t>(mail % 9)};
    };
    int leaked = 0;
    while (leaked < 100 && site.send(now + 3min * leaked, from(leaked), {site.stranger()}))
        ++leaked;
    CHECK(leaked <= 12);
}

TEST_CASE("without databases networks alone are told apart", "[filter][risk]")
{
    RiskSite site;
    const RiskFrom here{"192.0.2.7"};
    for (int day = 0; day < 14; ++day)
        for (int hour = 9; hour < 17; ++hour)
            site.send(risk_monday + 24h * day + 1h * hour, here, {RiskSite::acquaintance(day + hour)});
    const event::Time now = risk_monday + 24h * 14 + 8h;
    CHECK(site.leaked(now, {"198.51.100.9"}, 100) <= 15);
    CHECK(site.leaked(now + 3h, here, 100) == 100);
}

TEST_CASE("budgets recover by half in each half-life", "[filter][risk]")
{
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    const int first = site.leaked(now, home, 1000);
    CHECK(first == Approx(180).margin(20));
    CHECK(site.leaked(now + 24h, home, 1000) == Approx(180).margin(20));
    CHECK(site.leaked(now + 25h + 3min, home, 1000) == Approx(90).margin(10));
}

TEST_CASE("a clock that was set back holds nobody for longer", "[filter][risk]")
{
    RiskSite site;
    const event::Time now = site.live_two_weeks();
    site.leaked(now + 24h * 365, home, 1000);
    CHECK_FALSE(site.send(now, home, {site.stranger()}));
    CHECK(site.send(now + 1s, home, {RiskSite::acquaintance(1)}));
    CHECK(site.send(now + 6h, home, {site.stranger()}));
}

TEST_CASE("the same mail makes the same account, and what is saved is loaded", "[filter][risk]")
{
    const RiskSettings settings;
    RiskAccount account;
    RiskAccount twin;
    RiskMail mail;
    for (int number = 0; number < 500; ++number) {
        const RiskFrom from{"192.0." + std::to_string(number % 20) + ".1", number % 7 ? "JP" : "US",
                            64500 + static_cast<std::uint32_t>(number % 11)};
        mail.assign(RiskSite::mail(risk_monday + 1h * number, from, {RiskSite::acquaintance(number), "x@example.com"}));
        account.learn(mail, account.assess(mail, settings), settings);
        twin.learn(mail, twin.assess(mail, settings), settings);
    }
    CHECK(account == twin);

    std::string saved;
    account.save(saved);
    RiskAccount loaded;
    VarintReader in(saved);
    REQUIRE(loaded.load(in));
    CHECK(in.at_end());
    CHECK(loaded == account);
}

TEST_CASE("an account that was cut is not loaded", "[filter][risk]")
{
    std::string saved;
    RiskAccount().save(saved);
    const auto size = GENERATE_COPY(range(std::size_t{0}, saved.size()));
    RiskAccount loaded;
    VarintReader in(std::string_view(saved).substr(0, size));
    CHECK_FALSE(loaded.load(in));
}
