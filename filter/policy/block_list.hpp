// Accounts that may not send for a while, and those that were let go and are watched: made from BLOCK and UNBLOCK
// records alone, in their order. No clock, no file. One thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/event/record.hpp"

namespace smtpauth {

/// `by` of a block that a person made; others are made by rules, which stand there.
inline constexpr std::string_view by_administrator = "admin";

struct Block {
    event::Time from{};
    event::Time until{};
    std::string by;     ///< "admin", or what has found a reason
    std::string reason; ///< for people, with the numbers
};

class BlockList {
public:
    /// What is known of an account.
    struct State {
        std::optional<Block> block;
        std::optional<event::Time> probation; ///< until then it is watched
        unsigned automatic = 0;               ///< blocks that rules made of it, as long as any of this is remembered
    };

    /// Takes BLOCK records, but not those without an end, which only warn, and UNBLOCK records; others concern nobody
    /// here.
    void apply(const event::Record& record);

    /// The block that is in force at that time, or null; until the next apply().
    const Block* find(std::string_view auth_id, event::Time now) const;
    /// Until when the account is on probation.
    std::optional<event::Time> probation(std::string_view auth_id, event::Time now) const;

    /// The account's last block, as long as it is remembered and nobody has ended it, or null; until the next apply().
    const Block* last(std::string_view auth_id) const;
    /// How often rules have blocked the account, as long as it is remembered.
    unsigned repeats(std::string_view auth_id, event::Time now) const;
    /// Blocks of rules that began from then on up to now, and that nobody has ended.
    std::size_t automatic_since(event::Time time, event::Time now) const;

    std::size_t size() const { return states_.size(); }

    /// By account, what is over among them.
    const std::map<std::string, State, std::less<>>& states() const { return states_; }

    /// Forgets what has been over for a month: a clock that runs ahead for a while must free nobody for good.
    void forget_past(event::Time now);

    /// As the lines of blocks.ltsv (docs/formats/blocks.md).
    std::string to_text() const;

    /// Puts what to_text() wrote in the place of all.
    /// @return  a sentence for each line that is none: its number, what was found, what was expected.
    std::vector<std::string> from_text(std::string_view text);

private:
    std::map<std::string, State, std::less<>> states_;
};

} // namespace smtpauth
