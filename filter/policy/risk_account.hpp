// The habits of one account, learned from its own mail that passed, and what it has spent of its risk budget. Plain
// data of fixed size: a site has a million of them. No clock: time is the mail's.
//
//     cost of a message := strangers x (1 - share of known recipients)^4 x origin x sender x networks
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "filter/policy/risk_mail.hpp"
#include "filter/policy/risk_places.hpp"
#include "filter/policy/risk_recipients.hpp"
#include "filter/policy/risk_settings.hpp"
#include "proto/varint.hpp"

namespace smtpauth {

/// How a message stands with an account's habits.
struct RiskAssessment {
    /// From the most familiar on.
    enum class Origin : std::uint8_t {
        familiar_network,
        familiar_provider,
        known_provider,
        familiar_country,
        new_country,
    };

    Origin origin = Origin::known_provider;
    bool vouched = true;     ///< the place is familiar, or mail to known recipients has come from it
    bool new_sender = false; ///< no mail to known recipients has come from it
    std::uint32_t recipients = 0;
    std::uint32_t known = 0;     ///< the account wrote to them from a familiar place
    std::uint32_t strangers = 0; ///< it never wrote to them
    unsigned networks = 0;       ///< unfamiliar ones in the last hour, with this one
    unsigned countries = 0;      ///< those that they lie in, as far as they are new to the account
    float cost = 0;
    float spent = 0;           ///< of the limit, with this message
    float spent_unvouched = 0; ///< of the unvouched_limit, with this message

    /// Where an account that is declared to send in bulk may do so.
    bool familiar() const { return origin <= Origin::known_provider; }
};

class RiskAccount {
public:
    RiskAssessment assess(const RiskMail& mail, const RiskSettings& settings) const;

    /// The message passed. @param found  what assess() has said of it just now.
    void learn(const RiskMail& mail, const RiskAssessment& found, const RiskSettings& settings);

    /// What was spent is forgotten, what was learned is not.
    void forgive();

    /// The account is blocked: that pays for half of what mail from strange places has cost, or its owner would be
    /// blocked anew by the first message afterwards.
    void pay_by_block() { spent_unvouched_ /= 2; }

    /// When it came; its clock.
    event::Time last_mail() const { return last_; }

    /// Of its countries the most familiar, "" where none is known.
    std::string usual_country() const;

    void save(std::string& out) const;
    /// @return  false: it was not save() that wrote it.
    bool load(VarintReader& in);

    bool operator==(const RiskAccount&) const = default;

private:
    /// An unfamiliar network.
    struct Visit {
        std::uint32_t network = 0;
        std::uint32_t second = 0;  ///< since 1970; 0: none
        std::uint16_t country = 0; ///< 0 unless it was new, too

        bool operator==(const Visit&) const = default;
    };

    RiskAssessment::Origin origin_of(const RiskMail& mail) const;
    void count_recipients(const RiskMail& mail, RiskAssessment& found) const;
    void count_visits(const RiskMail& mail, RiskAssessment& found) const;
    float left(float spent, event::Time now, std::chrono::milliseconds half_life) const;
    void learn_places(const RiskMail& mail, const RiskAssessment& found);
    void learn_visit(const RiskMail& mail, const RiskAssessment& found);
    void learn_recipients(const RiskMail& mail, bool from_familiar);

    RiskRecipients recipients_;
    RiskPlaces<12> networks_;
    RiskPlaces<8> providers_;
    RiskPlaces<6> countries_;
    RiskPlaces<4> senders_;
    std::array<Visit, 8> visits_{}; ///< the newest first
    RiskDay first_day_ = 0;
    float spent_ = 0;
    float spent_unvouched_ = 0;
    event::Time last_{}; ///< when both were as they are
};

} // namespace smtpauth
