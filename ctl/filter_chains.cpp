#include "ctl/filter_chains.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace smtpauth {

namespace {

/// Numbers that no line has: records that were taken back or lost.
constexpr std::uint64_t largest_gap = 1000;

} // namespace

void FilterChains::add(const LineMarks& marks)
{
    const auto [found, is_new] = spans_.try_emplace(
        marks.id.journal, Span{marks.id.sequence, marks.id.sequence, marks.eom_time, marks.eom_time});
    Span& span = found->second;
    span.first = std::min(span.first, marks.id.sequence);
    span.last = std::max(span.last, marks.id.sequence);
    span.begin = std::min(span.begin, marks.eom_time);
    span.end = std::max(span.end, marks.eom_time);
}

/// What fits best goes first: of two filters that stop and start, each has its own successor.
FilterChains::Successors FilterChains::successors() const
{
    struct Pair {
        std::uint64_t gap;
        std::uint64_t before;
        std::uint64_t after;
    };
    std::vector<Pair> pairs;
    for (const auto& [before, a] : spans_)
        for (const auto& [after, b] : spans_)
            if (a.last < b.first && a.end <= b.begin && b.first - a.last <= largest_gap)
                pairs.push_back({b.first - a.last, before, after});
    std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.gap < b.gap; });
    Successors successors;
    std::set<std::uint64_t> followed;
    for (const Pair& pair : pairs)
        if (!successors.contains(pair.before) && followed.insert(pair.after).second)
            successors.emplace(pair.before, pair.after);
    return successors;
}

std::vector<FilterChains::Filter> FilterChains::filters() const
{
    const Successors next = successors();
    std::set<std::uint64_t> followers;
    for (const auto& [before, after] : next)
        followers.insert(after);
    std::vector<Filter> filters;
    for (const auto& [first, span] : spans_) {
        if (followers.contains(first))
            continue;
        Filter filter{{first}, span.first == 1, span.begin};
        for (auto found = next.find(first); found != next.end(); found = next.find(found->second))
            filter.journals.push_back(found->second);
        filters.push_back(std::move(filter));
    }
    return filters;
}

} // namespace smtpauth
