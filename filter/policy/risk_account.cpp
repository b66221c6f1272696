#include "filter/policy/risk_account.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>

namespace smtpauth {

namespace {

using Origin = RiskAssessment::Origin;

/// Vouching on a day before makes a place known, on two it is familiar.
constexpr unsigned familiar_days = 2;

RiskDay day_of(event::Time time)
{
    return static_cast<RiskDay>(std::chrono::floor<std::chrono::days>(time).time_since_epoch().count());
}

std::uint32_t second_of(event::Time time)
{
    return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

/// A recipient to whom the account wrote from a place that was not familiar is no stranger any more, but nobody who
/// could vouch for such a place: it stands in the table under another number.
std::uint64_t unproven(std::uint64_t recipient)
{
    return std::rotl(recipient, 17) ^ 0x5851f42d4c957f2d;
}

float price(Origin origin, const RiskSettings& settings)
{
    switch (origin) {
    case Origin::familiar_network:
        return settings.familiar_network;
    case Origin::familiar_provider:
        return settings.familiar_provider;
    case Origin::known_provider:
        return settings.known_provider;
    case Origin::familiar_country:
        return settings.familiar_country;
    case Origin::new_country:
        return settings.new_country;
    }
    return settings.new_country;
}

/// A message that also goes to people whom the account knows is hardly spam.
float strangeness(const RiskAssessment& found)
{
    if (found.strangers == 0)
        return 0;
    const float others = 1 - static_cast<float>(found.known) / static_cast<float>(found.recipients);
    const float squared = others * others;
    return static_cast<float>(found.strangers) * squared * squared;
}

bool goes_to_known(const RiskAssessment& found)
{
    return found.known != 0 && found.known * 2 >= found.strangers;
}

} // namespace

Origin RiskAccount::origin_of(const RiskMail& mail) const
{
    if (networks_.empty())
        return Origin::known_provider;
    const RiskDay today = day_of(mail.time);
    if (networks_.days_before(mail.network, today) >= familiar_days)
        return Origin::familiar_network;
    const unsigned provider = providers_.days_before(mail.provider, today);
    if (provider >= familiar_days)
        return Origin::familiar_provider;
    if (provider != 0)
        return Origin::known_provider;
    const bool is_new =
        mail.country != 0 && countries_.days_before(mail.country, today) == 0 && !countries_.has_credit(mail.country);
    return is_new ? Origin::new_country : Origin::familiar_country;
}

void RiskAccount::count_recipients(const RiskMail& mail, RiskAssessment& found) const
{
    found.recipients = static_cast<std::uint32_t>(mail.recipients.size()) + mail.unlisted;
    found.strangers = mail.unlisted;
    for (const std::uint64_t recipient : mail.recipients) {
        if (recipients_.contains(recipient))
            ++found.known;
        else if (!recipients_.contains(unproven(recipient)))
            ++found.strangers;
    }
}

void RiskAccount::count_visits(const RiskMail& mail, RiskAssessment& found) const
{
    if (found.origin == Origin::familiar_network)
        return;
    constexpr std::uint32_t hour_s = 3600;
    std::array<std::uint16_t, std::tuple_size_v<decltype(visits_)> + 1> countries{};
    const auto add = [&](std::uint16_t country) {
        const auto end = countries.begin() + found.countries;
        if (country != 0 && std::find(countries.begin(), end, country) == end)
            countries[found.countries++] = country;
    };
    bool is_there = false;
    for (const Visit& visit : visits_) {
        if (visit.second == 0 || second_of(mail.time) - visit.second >= hour_s) // wraps where the clock was set back
            continue;
        ++found.networks;
        is_there = is_there || visit.network == mail.network;
        add(visit.country);
    }
    if (!is_there)
        ++found.networks;
    if (found.origin == Origin::new_country)
        add(mail.country);
}

float RiskAccount::left(float spent, event::Time now, std::chrono::milliseconds half_life) const
{
    if (spent == 0 || now <= last_)
        return spent;
    return spent * std::exp2(-static_cast<float>((now - last_).count()) / static_cast<float>(half_life.count()));
}

RiskAssessment RiskAccount::assess(const RiskMail& mail, const RiskSettings& settings) const
{
    RiskAssessment found;
    found.origin = origin_of(mail);
    found.vouched = found.origin == Origin::familiar_network || networks_.empty() ||
                    networks_.has_credit(mail.network) || providers_.has_credit(mail.provider);
    found.new_sender = !senders_.empty() && senders_.days_before(mail.sender, day_of(mail.time)) == 0;
    count_recipients(mail, found);
    count_visits(mail, found);
    const unsigned more = found.networks - std::min(found.networks, settings.free_networks);
    found.cost = strangeness(found) * price(found.origin, settings) * (found.new_sender ? settings.new_sender : 1) *
                 (1 + settings.more_networks * static_cast<float>(more));
    found.spent = left(spent_, mail.time, settings.half_life) + found.cost;
    found.spent_unvouched =
        left(spent_unvouched_, mail.time, settings.unvouched_half_life) + (found.vouched ? 0 : found.cost);
    return found;
}

void RiskAccount::learn(const RiskMail& mail, const RiskAssessment& found, const RiskSettings& settings)
{
    const RiskDay today = day_of(mail.time);
    const bool is_first = networks_.empty();
    if (is_first)
        first_day_ = today;
    spent_ = found.spent;
    // Who writes to known recipients from a strange place is on a journey: half of what it took to see that is
    // forgiven.
    spent_unvouched_ = !found.vouched && goes_to_known(found) ? found.spent_unvouched / 2 : found.spent_unvouched;
    last_ = mail.time;
    learn_places(mail, found);
    learn_visit(mail, found);
    const bool is_settling = std::chrono::days(today - first_day_) < settings.settling;
    learn_recipients(mail, is_first || is_settling || found.familiar());
}

void RiskAccount::learn_places(const RiskMail& mail, const RiskAssessment& found)
{
    const RiskDay today = day_of(mail.time);
    const bool is_first = networks_.empty();
    const bool to_known = goes_to_known(found);
    if (!is_first && !to_known && (found.known != 0 || found.strangers == 0))
        return; // tells nothing
    const auto take = [&](auto& places, std::uint32_t key) {
        if (is_first)
            places.settle(key, today);
        else
            places.note(key, today, to_known);
    };
    take(networks_, mail.network);
    take(providers_, mail.provider);
    take(senders_, mail.sender);
    if (mail.country != 0)
        take(countries_, mail.country);
}

void RiskAccount::learn_visit(const RiskMail& mail, const RiskAssessment& found)
{
    if (found.origin == Origin::familiar_network)
        return;
    auto at =
        std::find_if(visits_.begin(), visits_.end(), [&](const Visit& visit) { return visit.network == mail.network; });
    if (at == visits_.end())
        --at;
    *at = {mail.network, second_of(mail.time), found.origin == Origin::new_country ? mail.country : std::uint16_t{0}};
    std::rotate(visits_.begin(), at, std::next(at));
}

void RiskAccount::learn_recipients(const RiskMail& mail, bool from_familiar)
{
    for (const std::uint64_t recipient : mail.recipients)
        recipients_.add(from_familiar || recipients_.contains(recipient) ? recipient : unproven(recipient));
}

void RiskAccount::forgive()
{
    spent_ = 0;
    spent_unvouched_ = 0;
    visits_ = {};
}

std::string RiskAccount::usual_country() const
{
    const auto* const most = std::max_element(countries_.begin(), countries_.end(), [](const auto& a, const auto& b) {
        return a.days != b.days ? a.days < b.days : a.credit < b.credit;
    });
    return most == countries_.end() ? std::string() : country_text(static_cast<std::uint16_t>(most->key));
}

} // namespace smtpauth
