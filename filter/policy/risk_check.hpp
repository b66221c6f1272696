// The risk budget, judged. Learning is risk_state.hpp's: whoever asks applies the record that results before the next
// question.
#pragma once

#include <string>
#include <unordered_set>
#include <utility>

#include "filter/policy/check.hpp"
#include "filter/policy/risk_state.hpp"

namespace smtpauth {

class RiskCheck final : public Check {
public:
    struct Terms {
        event::Action action = event::Action::reject; ///< or warn
        std::string reply = "550 5.7.1 Unusual use of this account; please ask your postmaster";
        std::unordered_set<std::string> bulk{}; ///< auth_ids that may send as they like from familiar places
    };

    /// @param state  outlives the check.
    RiskCheck(RiskState& state, Terms terms) : state_(state), terms_(std::move(terms)) {}

    /// The message as a whole.
    Verdict at_end_of_message(const event::Record& mail) const override;

    /// How a message stands, for whoever wants to know more than the verdict; its account is not empty.
    RiskAssessment assess(const event::Record& mail) const { return state_.assess(mail); }
    /// @param found  what assess() has said of it just now.
    bool objects(const event::Record& mail, const RiskAssessment& found) const;
    /// Why, in a line for people with all that was counted.
    std::string reason(const event::Record& mail, const RiskAssessment& found) const;
    /// Its last part: where the mail comes from, and how familiar that is.
    std::string origin(const event::Record& mail, const RiskAssessment& found) const;

private:
    RiskState& state_;
    Terms terms_;
};

} // namespace smtpauth
