// What the risk budget charges for, and how much of it there is. The numbers were chosen on traces with known truth:
// docs/decisions/0023-risk-budget.md.
#pragma once

#include <chrono>

namespace smtpauth {

struct RiskSettings {
    // What a stranger among the recipients costs, by how familiar the place is that the mail comes from.
    float familiar_network = 0.25F; ///< /24, or /64 of IPv6
    float familiar_provider = 0.5F; ///< autonomous system; without a database /16, or /32 of IPv6
    float known_provider = 1;       ///< one that has vouched for itself on a single day, or the account's first
    float familiar_country = 2;     ///< or one that nobody knows
    float new_country = 4;

    // What multiplies that.
    float new_sender = 1.4F;
    float more_networks = 0.5F; ///< added for each unfamiliar network of the last hour beyond free_networks
    unsigned free_networks = 3;

    /// What all mail may cost; half of it is forgotten in each half-life.
    float limit = 45;
    std::chrono::milliseconds half_life = std::chrono::hours(1);

    /// The same of mail from places from which no mail has come yet to recipients that the account knows.
    float unvouched_limit = 30;
    std::chrono::milliseconds unvouched_half_life = std::chrono::hours(72);

    /// An account younger than this has no habits: what it writes to is known from wherever it comes.
    std::chrono::days settling{7};
};

} // namespace smtpauth
