// What one record adds to the graphs. Plain data between the logs, which count what they wrote, and rrd/,
// which draws it; neither knows the other.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "proto/event/record.hpp"

namespace smtpauth {

/// The graph's columns: passed {messages, recipients}, refused {reject, tempfail, hold, discard}.
using TrafficCounts = std::array<std::uint64_t, 4>;

enum class Graph { passed, refused };

struct TrafficSample {
    Graph graph = Graph::passed;
    event::Time time{};
    TrafficCounts counts{};
};

/// Takes samples of records that stand in a log for good. Called on the log's thread.
using TrafficSink = std::function<void(const TrafficSample&)>;

/// Nothing where a record is of no mail.
inline std::optional<TrafficSample> traffic_of(const event::Record& record)
{
    using event::Action;
    if (!event::is_of_mail(record.type))
        return std::nullopt;
    if (event::passed(record))
        return TrafficSample{Graph::passed, record.eom_time, {1, event::recipient_count(record)}};
    TrafficSample sample{Graph::refused, record.eom_time, {}};
    switch (record.action) {
    case Action::reject:
        sample.counts[0] = record.count;
        break;
    case Action::tempfail:
        sample.counts[1] = record.count;
        break;
    case Action::hold:
        sample.counts[2] = record.count;
        break;
    case Action::discard:
        sample.counts[3] = record.count;
        break;
    case Action::accept:
    case Action::warn:
        return std::nullopt;
    }
    return sample;
}

} // namespace smtpauth
