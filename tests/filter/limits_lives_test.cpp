// Random lives of a filter with limits: 64 connections that interleave as they like, aborts, refusals, reloads, records
// that are not kept in time, kills. Whatever happens, no account, domain or sender gets a message beyond its limit
// accepted.
#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "filter/conversation.hpp"
#include "filter/policy/check_list.hpp"
#include "filter/policy/limit_check.hpp"
#include "tests/support/packets.hpp"
#include "tests/support/random_lives.hpp"
#include "tests/support/test_site.hpp"

using namespace smtpauth;
using namespace smtpauth::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t connections = 64;
constexpr event::Milliseconds longest_window = 2s;
constexpr AccountState::Settings state_settings{.keep = {longest_window, longest_window, longest_window},
                                                .max_bytes = std::uint64_t{1} << 30};

using Rules = std::vector<LimitRule>;

Rules any_rules(std::mt19937& random)
{
    Rules rules;
    for (std::size_t count = 1 + pick(random, 4); count > 0; --count) {
        LimitRule rule;
        rule.name = "r" + std::to_string(count);
        rule.measure = pick(random, 3) == 0 ? Measure::messages : Measure::recipients;
        rule.scope = static_cast<Scope>(pick(random, scope_count));
        rule.limit = pick(random, 12);
        rule.window = pick(random, 2) == 0 ? longest_window : event::Milliseconds(1 + pick(random, 500));
        constexpr std::array actions{event::Action::tempfail, event::Action::reject, event::Action::hold,
                                     event::Action::tempfail};
        rule.action = actions[pick(random, actions.size())];
        if (rule.measure == Measure::recipients && rule.action != event::Action::hold && pick(random, 2) == 0)
            rule.over = Over::recipient;
        rules.push_back(std::move(rule));
    }
    return rules;
}

/// The filter's process, and what outlives it: journal, saved state, and what the MTAs were told.
class Life {
public:
    explicit Life(std::mt19937& random) : random_(random), rules_(any_rules(random)) { start(); }

    void step()
    {
        switch (pick(random_, 40)) {
        case 0:
            rules_ = any_rules(random_);
            use_rules();
            return;
        case 1:
        case 2:
            for (std::size_t count = 1 + pick(random_, AccountState::shard_count); count > 0; --count)
                save_shard();
            return;
        case 3:
            if (pick(random_, 4) == 0)
                kill();
            return;
        case 4:
        case 5:
            site_.clock().advance(event::Milliseconds(pick(random_, 200)));
            return;
        case 6:
        case 7:
        case 8:
        case 9:
            return sync(pick(random_, 1 + waiting_.size()));
        case 10:
            return reconnect(mtas_[pick(random_, connections)]);
        case 11:
            if (!waiting_.empty() && pick(random_, 4) == 0)
                give_up(pick(random_, waiting_.size()));
            return;
        default:
            return advance(*mtas_[pick(random_, connections)]);
        }
    }

    /// Counted anew, from what was accepted alone. @return  what was exceeded, "" where nothing was.
    std::string verdict() const
    {
        for (std::size_t at = 0; at < accepted_.size(); ++at)
            for (const LimitRule& rule : *accepted_[at].rules)
                if (auto wrong = verdict(rule, at); !wrong.empty())
                    return wrong;
        return "";
    }

    std::size_t accepted() const { return accepted_.size(); }

private:
    struct Mta {
        explicit Mta(TestSite& site) : conversation(site.site(), site.size_source()) {}
        bool in_message() const { return conversation.in_message(); }
        Conversation conversation;
        bool is_waiting = false;
    };

    /// Mail whose record waits for the disk.
    struct Waiting {
        Mta* mta;
        std::uint64_t sequence;
    };

    struct Accepted {
        event::Record record;
        std::shared_ptr<const Rules> rules; ///< in force when it was decided
        std::uint64_t order;                ///< of the decision
    };

    std::string verdict(const LimitRule& rule, std::size_t at) const
    {
        const Accepted& last = accepted_[at];
        const std::string name = name_in(rule.scope, last.record);
        // What a rule holds is accepted by no later rule.
        if (name.empty() || last.record.action == event::Action::hold)
            return "";
        std::uint64_t sum = 0;
        for (const Accepted& other : accepted_)
            if (other.order <= last.order && name_in(rule.scope, other.record) == name &&
                last.record.eom_time - other.record.eom_time < rule.window)
                sum += rule.measure == Measure::messages ? 1 : event::recipient_count(other.record);
        if (sum <= rule.limit)
            return "";
        return name + ": " + std::to_string(sum) + " accepted at a limit of " + std::to_string(rule.limit);
    }

    void start()
    {
        state().set(state_settings);
        use_rules();
        for (auto& mta : mtas_)
            connect(mta);
    }

    void connect(std::unique_ptr<Mta>& mta)
    {
        mta = std::make_unique<Mta>(site_);
        const std::string hello = offer() + packet('C', strings({"client"}) + "4\xd4\x31" + strings({"192.0.2.7"}));
        mta->conversation.receive(hello);
        run(*mta);
    }

    /// Perhaps in mid-message; the new one is asked for answers to recipients where a rule that is in force wants to
    /// give them.
    void reconnect(std::unique_ptr<Mta>& mta)
    {
        if (mta->is_waiting)
            return;
        mta->conversation.lost();
        connect(mta);
    }

    AccountState& state() { return site_.site().accounts; }

    void use_rules()
    {
        in_force_ = std::make_shared<const Rules>(rules_);
        std::vector<std::unique_ptr<const Check>> checks;
        for (const LimitRule& rule : rules_)
            checks.push_back(
                std::make_unique<LimitCheck>(rule, state(), LimitTerms{nullptr, 100, &site_.reservations()}));
        site_.set_checks(std::move(checks));
        site_.answer_recipients(refuses_recipients(rules_));
    }

    /// The MTA's next command, or two.
    void advance(Mta& mta)
    {
        if (mta.is_waiting)
            return;
        std::string bytes;
        if (!mta.in_message()) {
            const std::string number = std::to_string(pick(random_, 3));
            bytes =
                macros('M', {"{auth_authen}", "user" + number + "@" + std::to_string(pick(random_, 2)) + ".example"}) +
                packet('M', strings({"<s" + std::to_string(pick(random_, 3)) + "@example.org>"}));
        } else if (pick(random_, 8) == 0) {
            bytes = packet('A');
        } else if (pick(random_, 3) != 0) {
            for (std::size_t count = 1 + pick(random_, 3); count > 0; --count)
                bytes += packet('R', strings({"<r@example.net>"}));
        } else {
            bytes = macros('E', {"i", "Q"}) + packet('E');
        }
        mta.conversation.receive(bytes);
        run(mta);
    }

    void run(Mta& mta)
    {
        for (;;) {
            const Conversation::Step step = mta.conversation.next();
            const auto* commit = std::get_if<Conversation::Commit>(&step);
            if (!commit)
                break;
            journal_.push_back(commit->record);
            if (commit->waits) {
                decided_.push_back({commit->record, in_force_, ++order_});
                waiting_.push_back({&mta, journal_.size()});
                mta.is_waiting = true;
                break;
            }
            mta.conversation.committed();
        }
        mta.conversation.output().clear();
    }

    /// The disk has the first records that wait, and their answers go.
    void sync(std::size_t count)
    {
        for (; count > 0; --count) {
            const Waiting first = waiting_.front();
            waiting_.pop_front();
            synced_ = first.sequence;
            accepted_.push_back(decided_.front());
            decided_.pop_front();
            go_on(*first.mta, [](Conversation& conversation) { conversation.committed(); });
        }
    }

    /// commit_timeout: answered 451 although its record may be kept later.
    void give_up(std::size_t at)
    {
        const auto place = static_cast<std::ptrdiff_t>(at);
        event::Record record = decided_[at].record;
        Mta& mta = *waiting_[at].mta;
        waiting_.erase(waiting_.begin() + place);
        decided_.erase(decided_.begin() + place);
        record.type = event::RecordType::void_record;
        journal_.push_back(std::move(record));
        go_on(mta, [](Conversation& conversation) { conversation.not_committed(); });
    }

    template <class Answer>
    void go_on(Mta& mta, Answer answer)
    {
        mta.is_waiting = false;
        answer(mta.conversation);
        run(mta);
    }

    void save_all()
    {
        do
            save_shard();
        while (!saving_.shards.empty());
    }

    void save_shard()
    {
        const std::size_t shard = saving_.shards.size();
        saving_.positions[shard] = journal_.size();
        std::string bytes;
        state().save(shard, bytes);
        saving_.shards.push_back(std::move(bytes));
        if (saving_.shards.size() == AccountState::shard_count)
            saved_ = std::exchange(saving_, {});
    }

    /// What was not synced may be lost, its end first; nobody has been told of it.
    void kill()
    {
        journal_.resize(synced_ + pick(random_, journal_.size() - synced_ + 1));
        synced_ = journal_.size();
        waiting_.clear();
        decided_.clear();
        saving_ = {};
        state() = AccountState();
        state().set(state_settings);
        for (const std::string& shard : saved_.shards)
            state().load(shard);
        state().put_in_order();
        for (std::size_t at = 0; at < journal_.size(); ++at)
            state().replay(journal_[at], at + 1, saved_.positions);
        // Numbers that are lost are given anew.
        if (*std::max_element(saved_.positions.begin(), saved_.positions.end()) > journal_.size())
            save_all();
        start();
    }

    struct Saved {
        AccountState::Positions positions{};
        std::vector<std::string> shards;
    };

    std::mt19937& random_;
    TestSite site_;
    Rules rules_;
    std::shared_ptr<const Rules> in_force_;
    std::array<std::unique_ptr<Mta>, connections> mtas_;
    std::vector<event::Record> journal_;
    std::size_t synced_ = 0;
    std::uint64_t order_ = 0;
    std::deque<Waiting> waiting_;
    std::deque<Accepted> decided_; ///< those of waiting_, in the same order
    std::vector<Accepted> accepted_;
    Saved saved_;
    Saved saving_;
};

} // namespace

TEST_CASE("random lives of a filter let nothing pass beyond a limit", "[filter][policy]")
{
    std::size_t accepted = 0;
    run_sequences(300, [&](std::mt19937& random) {
        Life life(random);
        for (std::size_t count = 200 + pick(random, 800); count > 0; --count)
            life.step();
        accepted += life.accepted();
        return life.verdict();
    });
    CHECK(accepted > 300);
}
