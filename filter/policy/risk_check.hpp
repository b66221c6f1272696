// The risk budget, judged. Learning is risk_state.hpp's: whoever asks applies the record that results before the next
// question.
#pragma once

#include <optional>
#include <string>
#include <unordered_set>

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

    /// Why it must not pass, in a line for people with all that was counted; nothing where it may.
    std::optional<std::string> objection(const event::Record& mail) const;

private:
    RiskState& state_;
    Terms terms_;
};

} // namespace smtpauth
