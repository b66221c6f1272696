#include "filter/journal/disk_journal.hpp"

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;

namespace {

struct Waiter final : CommitWaiter {
    void committed(Kept result) override { kept = result == Kept::yes; }
    bool kept = false;
};

} // namespace

TEST_CASE("the loop and the journal's thread write by turns, and nothing is lost", "[journal]")
{
    constexpr std::uint64_t records = 20'000;
    const test::TempDirectory directory;
    asio::io_context io{1};
    const SystemClock clock;
    FilterConfig config;
    config.journal_directory = directory / "journal";
    config.journal_max_bytes = 2 << 20; // segments of 512 KiB: the thread prepares them meanwhile
    config.durability = Durability::process;
    DiskJournal journal(io, config, clock);
    std::uint64_t at_once = 0;
    for (std::uint64_t record = 1; record <= records; ++record) {
        Waiter waiter;
        if (journal.append(test::message(), &waiter))
            ++at_once;
        else
            REQUIRE((test::run_until(io, [&waiter] { return waiter.kept; })));
        REQUIRE(journal.catalogue().released() == record);
        journal.catalogue().acknowledge(record - record % 100);
    }
    CHECK(journal.figures().lost == Losses());
    CHECK(at_once > records / 2);
}
