// The habits of all accounts, learned from the records alone, in their order, so that the same records always make the
// same state. No clock, no file. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "filter/policy/risk_account.hpp"
#include "proto/event/record.hpp"

namespace smtpauth {

class RiskState {
public:
    struct Settings {
        RiskSettings model{};
        std::uint64_t max_bytes = std::uint64_t{1} << 30; ///< who sent least recently is forgotten beyond
    };

    RiskState() = default;
    explicit RiskState(const Settings& settings) : settings_(settings) {}

    void set(const Settings& settings) { settings_ = settings; }
    const RiskSettings& model() const { return settings_.model; }

    /// How mail stands with the habits of its account, which is not empty.
    RiskAssessment assess(const event::Record& mail);

    /// Learns from mail that passed; a BLOCK record pays for half of what mail from strange places has cost, an UNBLOCK
    /// record makes forgotten what the account has spent.
    void apply(const event::Record& record);

    /// The country that most of an account's mail comes from, "" where none is known.
    std::string usual_country(std::string_view auth_id) const;

    /// Accounts are dealt out to shards, each of which is saved by itself, as AccountState does it.
    static constexpr std::size_t shard_count = 256;
    using Positions = std::array<std::uint64_t, shard_count>;

    /// Like apply(), but for the shards that know the record already.
    void replay(const event::Record& record, std::uint64_t sequence, const Positions& known);

    /// Appends a shard.
    void save(std::size_t shard, std::string& out) const;

    /// Adds what save() wrote. @return  false: damaged; what stands before that was added.
    bool load(std::string_view bytes);

    /// After the last load(), before anything else: who sent least recently is the first to be forgotten.
    void put_in_order();

    struct Figures {
        std::size_t accounts = 0;
        std::uint64_t bytes = 0;
        std::uint64_t evicted = 0; ///< forgotten since the start
    };
    Figures figures() const { return {by_use_.size(), bytes_, evicted_}; }

    /// What one account takes, all told.
    static std::uint64_t size_bytes(std::string_view auth_id);

private:
    struct Entry {
        RiskAccount account;
        std::list<const std::string*>::iterator used;
    };
    using Shard = std::unordered_map<std::string, Entry>;

    static std::size_t shard_of(std::string_view auth_id);
    const Entry* find(const std::string& auth_id) const;
    Entry& entry_of(const std::string& auth_id);
    void take_block(const event::Record& record);
    void forget_beyond_bytes();

    Settings settings_;
    std::array<Shard, shard_count> shards_; // a map that grows moves all that it has: not much, so
    std::list<const std::string*> by_use_;  ///< keys, that of the newest mail last
    std::uint64_t bytes_ = 0;
    std::uint64_t evicted_ = 0;
    RiskMail mail_; ///< made anew for each record, without allocating
};

} // namespace smtpauth
