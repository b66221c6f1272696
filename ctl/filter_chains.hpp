// Which journals of the logs are one filter's. A filter begins a journal at each start and counts on in it, and what
// its accounts were charged goes with it; another filter knows nothing of that. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "collector/stats_log/line_reader.hpp"

namespace smtpauth {

class FilterChains {
public:
    /// Each line of either log, in any order.
    void add(const LineMarks& marks);

    struct Filter {
        std::vector<std::uint64_t> journals; ///< the oldest first
        bool from_beginning = false;         ///< its very first record is among the lines
        event::Time begin{};                 ///< of its oldest line
    };

    /// A journal goes on where another ended before: a little beyond its last number. What runs at the same time is
    /// another filter.
    std::vector<Filter> filters() const;

private:
    struct Span {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
        event::Time begin{};
        event::Time end{};
    };
    using Spans = std::map<std::uint64_t, Span>; ///< by journal
    using Successors = std::map<std::uint64_t, std::uint64_t>;

    Successors successors() const;

    Spans spans_;
};

} // namespace smtpauth
