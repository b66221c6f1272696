#include "filter/policy/risk_check.hpp"

#include <fmt/format.h>

#include "common/units.hpp"

namespace smtpauth {

namespace {

std::string_view origin_text(RiskAssessment::Origin origin)
{
    switch (origin) {
    case RiskAssessment::Origin::familiar_network:
        return "familiar network";
    case RiskAssessment::Origin::familiar_provider:
        return "familiar provider";
    case RiskAssessment::Origin::known_provider:
        return "known provider";
    case RiskAssessment::Origin::familiar_country:
        return "unfamiliar provider";
    case RiskAssessment::Origin::new_country:
        return "new country";
    }
    return "";
}

/// The budget that has run out, "risk/1h 52>40"; "" where none has.
std::string exceeded(const RiskAssessment& found, const RiskSettings& settings)
{
    const auto text = [](float spent, float limit, std::chrono::milliseconds half_life) {
        return fmt::format("risk/{} {:.1f}>{:g}", to_text(half_life), spent, limit);
    };
    if (found.cost <= 0)
        return "";
    if (found.spent > settings.limit)
        return text(found.spent, settings.limit, settings.half_life);
    if (!found.vouched && found.spent_unvouched > settings.unvouched_limit)
        return text(found.spent_unvouched, settings.unvouched_limit, settings.unvouched_half_life);
    return "";
}

} // namespace

Verdict RiskCheck::at_end_of_message(const event::Record& mail) const
{
    return objection(mail) ? Verdict{terms_.action, terms_.reply, "risk"} : Verdict{};
}

std::optional<std::string> RiskCheck::objection(const event::Record& mail) const
{
    if (mail.auth_id.empty())
        return std::nullopt;
    const RiskAssessment found = state_.assess(mail);
    std::string text = exceeded(found, state_.model());
    if (text.empty() || (found.familiar() && terms_.bulk.contains(mail.auth_id)))
        return std::nullopt;
    const std::string usual = state_.usual_country(mail.auth_id);
    text += fmt::format(": {} recipients, {} never mailed before, {} known; ", found.recipients, found.strangers,
                        found.known);
    if (found.networks != 0)
        text += fmt::format("{} new networks in {} new countries in 1h; ", found.networks, found.countries);
    text += fmt::format("from {}{}{} ({}){}{}{}", mail.client_address, mail.country.empty() ? "" : "/", mail.country,
                        origin_text(found.origin), usual.empty() ? "" : ", usual ", usual,
                        found.new_sender ? ", new sender" : "");
    return text;
}

} // namespace smtpauth
