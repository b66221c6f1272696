// How far one log file has come in each filter's journal: what tells a record that is sent again from a new
// one. Lives in memory; at the start it is read back from the log itself, so it can never disagree with it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>

#include "proto/event/record_id.hpp"

namespace smtpauth {

class Cursors {
public:
    /// True where this log has the record already. Records of one journal come in the order of their numbers.
    bool has(const event::RecordId& id) const
    {
        const auto found = last_.find(id.journal);
        return found != last_.end() && id.sequence <= found->second;
    }

    /// Notes that the record stands in this log.
    void advance(const event::RecordId& id)
    {
        std::uint64_t& last = last_[id.journal];
        last = std::max(last, id.sequence);
    }

    std::size_t journals() const { return last_.size(); }

private:
    std::unordered_map<std::uint64_t, std::uint64_t> last_; ///< journal -> sequence number
};

} // namespace smtpauth
