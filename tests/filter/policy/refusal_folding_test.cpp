#include "filter/policy/refusal_folding.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;
using namespace std::chrono_literals;
using event::Record;

namespace {

event::Time at(event::Milliseconds since)
{
    return event::Time(event::Milliseconds(1767225600000)) + since;
}

Record refusal(const std::string& auth_id, event::Milliseconds since, const std::string& rule = "hourly",
               event::Stage stage = event::Stage::mail)
{
    Record record;
    record.type = event::RecordType::refusal;
    record.auth_id = auth_id;
    record.rule = rule;
    record.stage = stage;
    record.eom_time = at(since);
    return record;
}

} // namespace

TEST_CASE("the first refusals of a minute have their records, the others one together", "[filter][policy]")
{
    RefusalFolding folding;
    folding.set(3);
    for (int n = 0; n < 3; ++n)
        CHECK_FALSE(folding.absorb(refusal("a", 0s)));
    CHECK(folding.absorb(refusal("a", 1s)));
    CHECK(folding.absorb(refusal("a", 59s)));
    CHECK_FALSE(folding.absorb(refusal("b", 59s)));
    CHECK_FALSE(folding.absorb(refusal("a", 59s, "daily")));
    CHECK_FALSE(folding.absorb(refusal("a", 59s, "hourly", event::Stage::rcpt)));
    CHECK(folding.take_due(at(60s - 1ms)).empty());

    Record last = refusal("a", 59s);
    last.count = 2;
    CHECK(folding.take_due(at(60s)) == std::vector{last});
    CHECK(folding.take_all().empty());
    CHECK(folding.absorbed() == 2);
    CHECK_FALSE(folding.absorb(refusal("a", 60s)));
}

TEST_CASE("what is counted is told of at an end, and when the clock is set back", "[filter][policy]")
{
    RefusalFolding folding;
    folding.set(1);
    folding.absorb(refusal("a", 10s));
    folding.absorb(refusal("a", 10s));
    SECTION("at the end")
    {
        REQUIRE(folding.take_all().size() == 1);
    }
    SECTION("when it is set back")
    {
        REQUIRE(folding.take_due(at(9s)).size() == 1);
    }
    CHECK(folding.take_all().empty());
}

TEST_CASE("nothing is folded where nobody wants it", "[filter][policy]")
{
    RefusalFolding folding;
    folding.set(0);
    for (int n = 0; n < 1000; ++n)
        CHECK_FALSE(folding.absorb(refusal("a", 0s)));
}

TEST_CASE("a setting that changes in mid-minute loses no refusal", "[filter][policy]")
{
    RefusalFolding folding;
    std::uint64_t counted = 0;
    for (const std::uint32_t setting : {1U, 5U, 2U}) {
        folding.set(setting);
        for (int n = 0; n < 10; ++n)
            counted += folding.absorb(refusal("a", 0s)) ? 0U : 1U;
    }
    for (const Record& record : folding.take_all())
        counted += record.count;
    CHECK(counted == 30);
}

TEST_CASE("a shared record names a client only where all came from one network", "[filter][policy]")
{
    RefusalFolding folding;
    folding.set(1);
    const bool is_one_network = GENERATE(true, false);
    Record record = refusal("a", 0s);
    record.country = "NO";
    for (const char* address : {"192.0.2.1", "192.0.2.2", is_one_network ? "192.0.2.3" : "198.51.100.1"}) {
        record.client_address = address;
        folding.absorb(record);
    }
    const auto folded = folding.take_all();
    REQUIRE(folded.size() == 1);
    CHECK(folded[0].client_address == (is_one_network ? "192.0.2.3" : ""));
    CHECK(folded[0].country == (is_one_network ? "NO" : ""));
}
