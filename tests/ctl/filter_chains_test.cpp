#include "ctl/filter_chains.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

namespace {

struct Span {
    std::uint64_t journal;
    std::uint64_t first;
    std::uint64_t last;
    std::chrono::seconds begin;
    std::chrono::seconds end;
};

std::vector<std::vector<std::uint64_t>> filters_of(const std::vector<Span>& spans)
{
    FilterChains chains;
    for (const Span& span : spans) {
        chains.add({{span.journal, span.last}, test::noon + span.end});
        chains.add({{span.journal, span.first}, test::noon + span.begin});
    }
    std::vector<std::vector<std::uint64_t>> found;
    for (const auto& filter : chains.filters())
        found.push_back(filter.journals);
    return found;
}

using Filters = std::vector<std::vector<std::uint64_t>>;

} // namespace

TEST_CASE("a filter that is started again goes on in another journal", "[ctl][filter_chains]")
{
    CHECK(filters_of({{0xc, 1, 7, 0s, 10s}, {0xa, 8, 20, 10s, 20s}, {0xb, 23, 30, 21s, 30s}}) ==
          Filters{{0xc, 0xa, 0xb}});
}

TEST_CASE("what runs at the same time is another filter", "[ctl][filter_chains]")
{
    CHECK(filters_of({{0xa, 1, 7, 0s, 10s}, {0xb, 8, 20, 5s, 20s}}) == Filters{{0xa}, {0xb}});
    CHECK(filters_of({{0xa, 1, 7, 0s, 10s}, {0xb, 1, 20, 11s, 20s}}) == Filters{{0xa}, {0xb}});
    CHECK(filters_of({{0xa, 1, 7, 0s, 10s}, {0xb, 5000, 6000, 11s, 20s}}) == Filters{{0xa}, {0xb}});
}

TEST_CASE("two filters that are started again each have what fits best", "[ctl][filter_chains]")
{
    CHECK(filters_of({{1, 1, 100, 0s, 10s}, {2, 1, 90, 0s, 10s}, {3, 101, 110, 11s, 20s}, {4, 92, 99, 11s, 20s}}) ==
          Filters{{1, 3}, {2, 4}});
}

TEST_CASE("the very first record tells that nothing was before", "[ctl][filter_chains]")
{
    FilterChains chains;
    chains.add({{1, 1}, test::noon});
    chains.add({{2, 2000}, test::noon});
    CHECK(chains.filters()[0].from_beginning);
    CHECK_FALSE(chains.filters()[1].from_beginning);
}
