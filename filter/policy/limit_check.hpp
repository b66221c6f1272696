// One limit, judged. Charging is account_state.hpp's: whoever asks applies the record that results before the next
// question, so that nothing that is under way elsewhere can slip between the two.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "filter/policy/account_state.hpp"
#include "filter/policy/block_list.hpp"
#include "filter/policy/check.hpp"
#include "filter/policy/limit_rule.hpp"
#include "filter/policy/reservations.hpp"

namespace smtpauth {

/// What counts besides the past.
struct LimitTerms {
    const BlockList* blocks = nullptr;          ///< accounts on probation have less; null: nobody is
    unsigned probation_percent = 100;           ///< of the limit; 1 at least is left
    const Reservations* reservations = nullptr; ///< of mail that is under way; null: there is none
};

class LimitCheck final : public Check {
public:
    /// @param state  outlives the check, as do the blocks.
    LimitCheck(LimitRule rule, AccountState& state, LimitTerms terms = {});

    /// Mail that even the smallest message would put beyond the limit is refused here already.
    Verdict at_mail(const event::Record& mail) const override;

    /// One more, where recipients are judged singly.
    Verdict at_recipient(const event::Record& mail, std::string_view recipient) const override;

    /// The message as a whole.
    Verdict at_end_of_message(const event::Record& mail) const override;

    /// How an account, or what else the rule looks at, stands with it.
    struct Standing {
        std::uint64_t used = 0;
        std::uint64_t reserved = 0;         ///< by messages that are under way
        std::optional<std::uint64_t> limit; ///< nothing: none
        event::Time clears{};               ///< when all of `used` will have left the window
    };
    Standing standing(const event::Record& mail) const;

private:
    Verdict judge(const event::Record& mail, std::uint64_t amount) const;
    std::uint64_t used(const AccountPast* account, event::Time now) const;
    std::uint64_t reserved(std::string_view name, event::Time now) const;
    std::uint64_t amount_of(const event::Record& mail) const;
    std::optional<std::uint64_t> limit_for(const event::Record& mail) const;
    std::optional<std::uint64_t> usual_limit_for(const event::Record& mail) const;
    /// What a message meets with its limit.
    struct Sum {
        std::uint64_t used = 0;
        std::uint64_t reserved = 0;
        std::uint64_t amount = 0; ///< of the message itself

        std::uint64_t total() const { return used + reserved + amount; }
    };
    Verdict beyond(const event::Record& mail, const AccountPast* account, const Sum& sum, std::uint64_t limit) const;
    bool is_to_be_blocked(const event::Record& mail, const AccountPast* account, const Sum& sum,
                          std::uint64_t limit) const;

    LimitRule rule_;
    AccountState& state_;
    LimitTerms terms_;
};

} // namespace smtpauth
