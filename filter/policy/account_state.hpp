// What the accounts have done, as far as limits must know: built from the records alone, in their order, so that the
// same records (of a journal, of a log) always make the same state. No clock, no file. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "filter/policy/charge_history.hpp"
#include "filter/policy/known_recipients.hpp"
#include "filter/policy/limit_rule.hpp"
#include "filter/policy/recent_networks.hpp"
#include "proto/event/record.hpp"

namespace smtpauth {

/// One name's past. The name is an auth_id, a domain or a sender.
struct AccountPast {
    ChargeHistory charges;
    RecentNetworks networks;
    KnownRecipients recipients; ///< only of auth_ids, and only where somebody asks

    /// To be told before it is asked or charged.
    void set_clock(event::Time now);
};

class AccountState {
public:
    struct Settings {
        Windows keep{};                       ///< how far back anybody asks
        bool unauthenticated_senders = false; ///< somebody asks for those of mail without an auth_id
        bool recipients = false;              ///< somebody asks whom an account has written to
        std::uint64_t max_bytes = 0;          ///< the least recently charged are forgotten beyond
    };

    AccountState() = default;
    explicit AccountState(const Settings& settings) : settings_(settings) {}

    /// What is kept already stays, as far as it is still asked for.
    void set(const Settings& settings) { settings_ = settings; }

    /// Charges for mail that passed or was held, and of other mail for what the MTA itself refused; a VOID record takes
    /// back what its message was charged, an UNBLOCK record makes an account's charges forgotten.
    void apply(const event::Record& record);

    /// Undoes what apply() charged; that mail came from a network stays known.
    void take_back(const event::Record& mail);

    /// Names are dealt out to shards, each of which is saved by itself: what is changed while the others are saved is
    /// found again in the records.
    static constexpr std::size_t shard_count = 1024;

    /// Of each shard, the number of the last record that is in it, if it concerns it.
    using Positions = std::array<std::uint64_t, shard_count>;

    /// Like apply(), but for the shards that know the record already.
    void replay(const event::Record& record, std::uint64_t sequence, const Positions& known);

    /// Appends a shard (docs/formats/accounts.md).
    void save(std::size_t shard, std::string& out) const;

    /// Adds what save() wrote, as far as it is still asked for.
    /// @return  false: damaged; what stands before that was added.
    bool load(std::string_view bytes);

    /// After the last load(), before anything else: who was charged least recently is first to be forgotten.
    void put_in_order();

    /// @param now  of the decision: a clock that was set back is noticed here.
    /// @return  null where nothing is known; until the next apply().
    const AccountPast* find(Scope scope, std::string_view name, event::Time now);

    /// Of the message, those whom its account has not written to before.
    std::uint64_t new_recipients(const event::Record& mail);

    struct Figures {
        std::size_t accounts = 0; ///< names of all scopes
        std::uint64_t bytes = 0;
        std::uint64_t evicted = 0; ///< forgotten before their time, since the start
    };
    Figures figures() const;

private:
    /// When a name was charged last. A list of them is ordered by that, and tells of its oldest without a look-up.
    struct Use {
        const std::string* key;
        event::Time newest{};
    };
    struct Entry {
        AccountPast account;
        std::list<Use>::iterator used; ///< its place among those of its scope
        std::uint64_t bytes = 0;       ///< as counted last
    };
    using Shard = std::unordered_map<std::string, Entry>; // a map that grows moves all that it has: not much, so

    template <class Concerns>
    void apply_where(const event::Record& record, Concerns concerns);
    void apply(Scope scope, std::string_view name, const event::Record& record);
    void charge(Scope scope, std::string_view name, const event::Record& record);
    void take_back(Scope scope, std::string_view name, const event::Record& mail);
    Entry& entry_of(const std::string& key);
    template <class Take>
    void for_each_name(const event::Record& record, Take take) const;
    /// Those of one scope.
    struct Kind {
        std::list<Use> by_use; ///< the newest charge last
        std::uint64_t bytes = 0;
        std::string
            last_key; ///< that was looked up, and what was found: a message asks for the same name again and again
        Entry* last_entry = nullptr;
    };

    void forget_some(event::Time now);
    void forget_past(Kind& kind, event::Time now, event::Milliseconds keep);
    void forget_charges(const std::string& key);
    void forget_beyond_bytes();
    void forget(const std::string& key);
    Kind& kind_of(const std::string& key) { return kinds_[static_cast<unsigned char>(key.front())]; }
    std::uint64_t bytes() const;
    void count_bytes(const std::string& key, Entry& entry);
    Entry* find(const std::string& key);
    static std::size_t shard_of(std::string_view key);
    const std::string& make_key(Scope scope, std::string_view name);
    event::Milliseconds keep_name(Scope scope) const;
    event::Milliseconds keep(Scope scope) const { return settings_.keep[static_cast<std::size_t>(scope)]; }

    Settings settings_;
    std::array<Shard, shard_count> shards_;
    std::array<Kind, scope_count> kinds_; ///< so that a flood of one cannot make another be forgotten
    std::uint64_t evicted_ = 0;
    std::string key_;          ///< made anew for each look-up, without allocating
    mutable std::string name_; ///< the same for names
};

/// The name that a scope gives mail, "" where it gives none.
/// @param scratch  what it points into, where it does not point into the record.
std::string_view name_in(Scope scope, const event::Record& record, std::string& scratch);
std::string name_in(Scope scope, const event::Record& record);

/// What mail costs where it passes.
Charge charge_of(const event::Record& record);

/// The counter of a charge; null: networks are not summed.
std::uint64_t Charge::*counter_of(Measure measure);

/// What a record is charged, but for new_recipients, which only the state knows: of mail that passed or was held all;
/// of any other message, be it refused or never ended, what the MTA refused.
Charge charge_for(const event::Record& record);

} // namespace smtpauth
