// Records on their way from the receiver to the logs: still encoded, in the order in which they came.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proto/event/record_id.hpp"
#include "proto/event/tlv.hpp"

namespace smtpauth {

struct Batch {
    struct Entry {
        event::RecordId id;
        std::size_t offset; ///< in `bytes`
        std::size_t size;
    };

    std::string bytes;
    std::vector<Entry> entries;
    std::map<std::uint64_t, std::uint64_t> last_of; ///< connection -> the last sequence number that it sent

    bool empty() const { return entries.empty(); }

    void add(std::uint64_t connection, const event::RecordId& id, event::Bytes record)
    {
        entries.push_back({id, bytes.size(), record.size()});
        bytes.append(record);
        last_of[connection] = id.sequence;
    }

    event::Bytes record(const Entry& entry) const { return event::Bytes(bytes).substr(entry.offset, entry.size); }

    /// Keeps the memory, for the next batch.
    void clear()
    {
        bytes.clear();
        entries.clear();
        last_of.clear();
    }
};

} // namespace smtpauth
