#include "filter/policy/risk_recipients.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

using namespace smtpauth;

namespace {

std::vector<std::uint64_t> numbers(std::size_t count, std::uint64_t seed)
{
    std::mt19937_64 random(seed);
    std::vector<std::uint64_t> found(count);
    for (std::uint64_t& number : found)
        number = random();
    return found;
}

std::size_t count_known(const RiskRecipients& table, const std::vector<std::uint64_t>& recipients)
{
    return static_cast<std::size_t>(std::count_if(recipients.begin(), recipients.end(),
                                                  [&](std::uint64_t recipient) { return table.contains(recipient); }));
}

} // namespace

TEST_CASE("a recipient is known once it was written to", "[filter][risk]")
{
    RiskRecipients table;
    for (const std::uint64_t recipient : numbers(200, 1)) {
        table.add(recipient);
        CHECK(table.contains(recipient));
    }
}

TEST_CASE("some three hundred recipients are remembered, and few strangers are taken for them", "[filter][risk]")
{
    RiskRecipients table;
    const auto written_to = numbers(300, 2);
    for (const std::uint64_t recipient : written_to)
        table.add(recipient);
    CHECK(count_known(table, written_to) >= 280);
    CHECK(count_known(table, numbers(10'000, 3)) <= 350);
}

TEST_CASE("who is written to again and again stays known, whoever else is written to once", "[filter][risk]")
{
    RiskRecipients table;
    const auto friends = numbers(20, 4);
    for (const std::uint64_t once : numbers(5'000, 5)) {
        table.add(once);
        table.add(friends[once % friends.size()]);
    }
    CHECK(count_known(table, friends) >= 18);
    CHECK(count_known(table, numbers(1'000, 5)) <= 150);
}

TEST_CASE("adding the last, a middle and an unknown tag keeps the others of its word", "[filter][risk]")
{
    // Of one word: eight tags that differ in the upper half.
    const auto recipient = [](std::uint64_t tag) { return tag << 32; };
    RiskRecipients table;
    for (std::uint64_t tag = 0; tag < 8; ++tag)
        table.add(recipient(tag));
    table.add(recipient(0));
    table.add(recipient(4));
    for (std::uint64_t tag = 0; tag < 8; ++tag)
        CHECK(table.contains(recipient(tag)));
    table.add(recipient(8));
    CHECK_FALSE(table.contains(recipient(1))); // used least recently
    CHECK(table.contains(recipient(0)));
}
