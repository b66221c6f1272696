#include "filter/policy/risk_check.hpp"

#include <fmt/format.h>

#include "common/units.hpp"

namespace smtpauth {

namespace {

std::string_view origin_text(RiskAssessment::Origin origin)
{
    switch (origin) {
    case RiskAssessment::Origin::familiar_network:
        return "a familiar network";
    case RiskAssessment::Origin::familiar_provider:
        return "an unfamiliar network of a familiar provider";
    case RiskAssessment::Origin::known_provider:
        return "an unfamiliar network of a known provider";
    case RiskAssessment::Origin::familiar_country:
        return "an unfamiliar provider";
    case RiskAssessment::Origin::new_country:
        return "a new country";
    }
    return "";
}

/// "6 unfamiliar networks in 5 new countries in 1h; "
std::string visits_text(const RiskAssessment& found)
{
    std::string text = fmt::format("{} unfamiliar network{}", found.networks, found.networks == 1 ? "" : "s");
    if (found.countries != 0)
        text += fmt::format(" in {} new countr{}", found.countries, found.countries == 1 ? "y" : "ies");
    return text + " in 1h; ";
}

bool is_beyond_unvouched(const RiskAssessment& found, const RiskSettings& settings)
{
    return !found.vouched && found.spent_unvouched > settings.unvouched_limit;
}

} // namespace

Verdict RiskCheck::at_end_of_message(const event::Record& mail) const
{
    if (mail.auth_id.empty() || !objects(mail, assess(mail)))
        return {};
    return {terms_.action, terms_.reply, "risk"};
}

bool RiskCheck::objects(const event::Record& mail, const RiskAssessment& found) const
{
    // What costs nothing passes, however much was spent.
    if (found.cost <= 0 || (found.familiar() && terms_.bulk.contains(mail.auth_id)))
        return false;
    return found.spent > state_.model().limit || is_beyond_unvouched(found, state_.model());
}

std::string RiskCheck::reason(const event::Record& mail, const RiskAssessment& found) const
{
    const RiskSettings& model = state_.model();
    const bool unvouched = is_beyond_unvouched(found, model);
    std::string text =
        fmt::format("risk/{} {:.1f}>{:g}: {} recipients, {} never mailed before, {} known; ",
                    to_text(unvouched ? model.unvouched_half_life : model.half_life),
                    unvouched ? found.spent_unvouched : found.spent, unvouched ? model.unvouched_limit : model.limit,
                    found.recipients, found.strangers, found.known);
    if (found.networks != 0)
        text += visits_text(found);
    return text + origin(mail, found);
}

std::string RiskCheck::origin(const event::Record& mail, const RiskAssessment& found) const
{
    std::string text = mail.client_address;
    if (!mail.country.empty())
        text += '/' + mail.country;
    text += fmt::format(" is {}", origin_text(found.origin));
    if (const std::string usual = state_.usual_country(mail.auth_id); !usual.empty())
        text += ", usual country " + usual;
    if (found.new_sender)
        text += ", new sender";
    return text;
}

} // namespace smtpauth
