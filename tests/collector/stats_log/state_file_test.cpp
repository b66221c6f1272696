#include "collector/stats_log/state_file.hpp"

#include <catch2/catch.hpp>

#include "tests/support/sim_disk.hpp"

using namespace smtpauth;
using test::SimDisk;

namespace {

const std::string text = "smtpauth-collector state 1\n"
                         "stats 263412 8812\n"
                         "5b36c2cb32b94b2d-42\n"
                         "000000000000000a-18446744073709551615\n"
                         "rejects 0 0\n"
                         "end\n";

} // namespace

TEST_CASE("a state is read as it was written", "[stats_log][state]")
{
    CollectorState state;
    state.stats.inode = 263412;
    state.stats.size = 8812;
    state.stats.before.advance({0x5b36c2cb32b94b2d, 42});
    state.stats.before.advance({0xa, 18446744073709551615U});
    CHECK(state_to_text(state) == text);
    const auto read = parse_state(text);
    REQUIRE(read);
    CHECK(state_to_text(*read) == text);
    CHECK(parse_state(state_to_text({})));
}

TEST_CASE("a state that is cut or changed is none", "[stats_log][state]")
{
    for (std::size_t size = 0; size < text.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(parse_state(text.substr(0, size)));
    }
    CHECK_FALSE(parse_state(text + "\n"));
    for (const auto& [before, after] :
         {std::pair("state 1", "state 2"), std::pair("263412 ", "-1 "), std::pair("8812", "99999999999999999999"),
          std::pair("-42", "-042"), std::pair("rejects 0 0\n", ""), std::pair("stats", "Stats")}) {
        std::string changed = text;
        changed.replace(changed.find(before), std::string(before).size(), after);
        CAPTURE(changed);
        CHECK_FALSE(parse_state(changed));
    }
}

TEST_CASE("a state file that is missing or of no use is an empty state", "[stats_log][state]")
{
    SimDisk disk;
    CHECK(load_state(disk, "s/state").stats.inode == 0);
    disk.put("s/state", "something else");
    CHECK(load_state(disk, "s/state").stats.inode == 0);
    disk.put("s/state", text);
    CHECK(load_state(disk, "s/state").stats.inode == 263412);
    disk.set_fault({.times = SimDisk::Fault::for_ever});
    CHECK(load_state(disk, "s/state").stats.inode == 0);
    disk.set_fault({.nth = 2, .error = 0});
    CHECK(state_to_text(load_state(disk, "s/state")) == text);
    CHECK(disk.open_descriptors() == 0);
}
