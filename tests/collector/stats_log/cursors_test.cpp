#include "collector/stats_log/cursors.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;
using Ids = std::vector<event::RecordId>;

TEST_CASE("a cursor goes on, and never back", "[stats_log][cursors]")
{
    Cursors cursors;
    CHECK(cursors.empty());
    cursors.advance({1, 7});
    cursors.advance({1, 3});
    CHECK(cursors.has({1, 7}));
    CHECK_FALSE(cursors.has({1, 8}));
    CHECK_FALSE(cursors.has({2, 1}));
}

TEST_CASE("cursors are told in the order in which they were advanced", "[stats_log][cursors]")
{
    Cursors cursors;
    cursors.advance({1, 1});
    cursors.advance({2, 1});
    cursors.advance({1, 2});
    CHECK(cursors.list() == Ids{{2, 1}, {1, 2}});
    Cursors others;
    others.advance({3, 9});
    others.advance({2, 5});
    cursors.advance(others);
    CHECK(cursors.list() == Ids{{1, 2}, {3, 9}, {2, 5}});
}

TEST_CASE("of too many journals the longest unused is forgotten", "[stats_log][cursors]")
{
    Cursors cursors;
    for (std::uint64_t journal = 1; journal <= Cursors::max_journals; ++journal)
        cursors.advance({journal, 1});
    cursors.advance({1, 2});
    cursors.advance({100'000, 1});
    CHECK(cursors.list().size() == Cursors::max_journals);
    CHECK(cursors.has({1, 2}));
    CHECK_FALSE(cursors.has({2, 1}));
    CHECK(cursors.has({3, 1}));
}
