// How far one log has come in each filter's journal: what tells a record that is sent again from a new one. Read back
// from the log's files at the start, and from the state file (state_file.hpp) what those files do not show any more.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "proto/event/record_id.hpp"

namespace smtpauth {

class Cursors {
public:
    /// A filter takes a new journal at each start, and nothing says that an old one is done with: of more than these,
    /// the one that was advanced the longest time ago is forgotten.
    static constexpr std::size_t max_journals = 4096;

    /// True where this log has the record already. Records of one journal come in the order of their numbers.
    bool has(const event::RecordId& id) const
    {
        const auto found = last_.find(id.journal);
        return found != last_.end() && id.sequence <= found->second.sequence;
    }

    /// Notes that the record stands in this log, and all of its journal before it that belong there.
    void advance(const event::RecordId& id)
    {
        if (last_.size() >= max_journals && !last_.contains(id.journal))
            last_.erase(oldest());
        Last& last = last_[id.journal];
        last.sequence = std::max(last.sequence, id.sequence);
        last.turn = ++turns_;
    }

    /// Advances by all that the others have.
    void advance(const Cursors& others)
    {
        for (const event::RecordId& id : others.list())
            advance(id);
    }

    /// The last record of each journal, the most recently advanced journal last.
    std::vector<event::RecordId> list() const
    {
        std::vector<std::pair<std::uint64_t, event::RecordId>> by_turn;
        by_turn.reserve(last_.size());
        for (const auto& [journal, last] : last_)
            by_turn.push_back({last.turn, {journal, last.sequence}});
        std::sort(by_turn.begin(), by_turn.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        std::vector<event::RecordId> ids;
        ids.reserve(by_turn.size());
        for (const auto& [turn, id] : by_turn)
            ids.push_back(id);
        return ids;
    }

    bool empty() const { return last_.empty(); }
    void clear() { last_.clear(); }

private:
    struct Last {
        std::uint64_t sequence = 0;
        std::uint64_t turn = 0; ///< of advance()
    };
    using Journals = std::unordered_map<std::uint64_t, Last>;

    Journals::iterator oldest()
    {
        return std::min_element(last_.begin(), last_.end(),
                                [](const auto& a, const auto& b) { return a.second.turn < b.second.turn; });
    }

    Journals last_;
    std::uint64_t turns_ = 0;
};

} // namespace smtpauth
