// What a filter answers to "status": the figures of its parts as one value, and that as JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/clock.hpp"
#include "common/json.hpp"
#include "filter/connection_set.hpp"
#include "filter/journal/journal_writer.hpp"
#include "filter/journal/sender.hpp"

namespace smtpauth {

struct FilterStatus {
    std::size_t connections = 0; ///< of MTAs, open now
    std::size_t held_bytes = 0;  ///< by those
    ConnectionSet::Decisions decisions;
    ClosedConnections::Counts closed{};
    AccountState::Figures accounts;
    std::uint64_t state_max_bytes = 0;

    std::uint64_t last = 0;         ///< number of the last record
    std::uint64_t acknowledged = 0; ///< number of the last that is safe with the collector
    std::size_t waiting_replies = 0;
    JournalWriter::Figures journal;
    std::uint64_t journal_max_bytes = 0;
    Sender::Figures sender;
    std::string collector; ///< its socket, as the setting names it
};

/// @param now  what ages are counted to.
json::object to_json(const FilterStatus& status, Clock::WallTime now);

} // namespace smtpauth
