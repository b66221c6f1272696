#include "collector/stats_log/retention_worker.hpp"

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;

TEST_CASE("the retention's thread takes settings and ends at once", "[retention]")
{
    const test::TempDirectory directory;
    const SystemClock clock;
    Retention retention({directory / "stats.log"}, {90, 7}, clock);
    const auto begin = clock.steady_now();
    {
        RetentionWorker worker(retention);
        worker.set({1, 1});
    }
    CHECK(clock.steady_now() - begin < std::chrono::seconds(10));
}
