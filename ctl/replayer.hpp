// What the filter's policy would have made of mail that was logged: the same checks and the same state as in the
// filter, fed with records in the order of their times. Decides nothing itself but how long a block lasts. No files, no
// clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/id_list.hpp"
#include "ctl/prefix_table.hpp"
#include "filter/policy/account_state.hpp"
#include "filter/policy/block_list.hpp"
#include "filter/policy/check_list.hpp"
#include "filter/policy/risk_check.hpp"
#include "filter/policy/risk_state.hpp"
#include "proto/event/record.hpp"

namespace smtpauth {

/// An account that would have been blocked.
struct ReplayBlock {
    std::string auth_id;
    event::Time from{};
    event::Time until{};
    std::string reason;
    std::uint64_t passed_recipients = 0; ///< from unfamiliar places in the 24 h before
    std::uint64_t refused_messages = 0;  ///< while it was in force, that one included
    std::uint64_t refused_recipients = 0;
    std::uint64_t refused_familiar = 0; ///< messages from familiar places: the owner's, if they are not the thief's
};

class Replayer {
public:
    struct Settings {
        std::vector<LimitRule> limits{};
        std::uint64_t state_max_bytes = std::uint64_t{256} << 20;
        RiskSettings risk{};
        std::unordered_set<std::string> bulk{}; ///< normalised
        IdNormalizer normalize{};
        PrefixTable places{}; ///< for lines that name no country or ASN

        std::chrono::milliseconds first_block = std::chrono::hours(4); ///< the next one takes twice as long
        std::chrono::milliseconds longest_block = std::chrono::hours(64);
        std::chrono::milliseconds block_memory = std::chrono::hours(24 * 7); ///< after which it is a first one again
    };

    explicit Replayer(Settings settings);
    Replayer(const Replayer&) = delete;
    Replayer& operator=(const Replayer&) = delete;

    /// @param record  as logged; is changed.
    void take(event::Record& record);

    struct Counts {
        std::uint64_t messages = 0;
        std::uint64_t passed = 0;              ///< messages
        std::uint64_t refused_by_block = 0;    ///< messages, the one that made it included
        std::uint64_t refused_by_limit = 0;    ///< messages
        std::uint64_t stopped_recipients = 0;  ///< had passed, would be refused
        std::uint64_t released_recipients = 0; ///< had been refused, would pass
        std::uint64_t early_refusals = 0;      ///< had been refused before a message came: not judged
        std::uint64_t blocks = 0;
    };
    const Counts& counts() const { return counts_; }

    /// In the order of their beginnings; no more than max_blocks are kept.
    const std::vector<ReplayBlock>& blocks() const { return blocks_; }
    static constexpr std::size_t max_blocks = 100'000;

    /// Called for each message that is refused. @param made  the block that it makes, or null: one is in force, or the
    /// verdict is a limit's.
    using Refused = std::function<void(const event::Record& mail, const ReplayBlock* made, const Verdict& verdict)>;
    void on_refused(Refused refused) { refused_ = std::move(refused); }

private:
    /// Mail from unfamiliar places that passed lately.
    struct Strange {
        std::uint64_t recipients = 0;
        event::Time last{};
    };
    /// The blocks that an account has had.
    struct Repeats {
        event::Time until{};
        unsigned count = 0;
        std::size_t block = 0;      ///< the last one's place in blocks_
        bool from_familiar = false; ///< the last one was made by mail from there, so rather by the owner
    };

    void judge(event::Record& mail);
    void complete(event::Record& mail) const;
    void pass(event::Record& mail, const Verdict& verdict, const RiskAssessment& found);
    void refuse_by_limit(const event::Record& mail, const Verdict& verdict);
    void refuse_by_block(const event::Record& mail, const RiskAssessment& found);
    void block(const event::Record& mail, const RiskAssessment& found);
    event::Time end_of_block(const event::Record& mail, const RiskAssessment& found);
    std::uint64_t strange_recipients(const event::Record& mail) const;
    void tell(const event::Record& mail, const ReplayBlock& made) const;
    static void count_refused(ReplayBlock& in_force, const event::Record& mail, const RiskAssessment& found);
    void count_stopped(const event::Record& mail);

    Settings settings_;
    AccountState accounts_;
    RiskState risk_;
    BlockList blocks_in_force_;
    RiskCheck risk_check_;
    CheckList limits_;
    std::unordered_map<std::string, Strange> strange_;
    std::unordered_map<std::string, Repeats> repeats_;
    std::vector<ReplayBlock> blocks_;
    Counts counts_;
    bool had_passed_ = false; ///< the mail that is judged
    Refused refused_;
};

} // namespace smtpauth
