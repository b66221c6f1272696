#include "collector/rrd/rrd_writer.hpp"

#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/rrd_reader.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

TEST_CASE("traffic is counted from any thread while the file is written", "[rrd][writer]")
{
    const test::TempDirectory directory;
    const SystemClock clock;
    const Minute past = std::chrono::floor<std::chrono::minutes>(clock.now()) - 30min;
    // Its thread looks once a second; this test calls write_due() in its place.
    RrdWriter writer(directory.path(), 0ms, clock);
    std::vector<std::thread> threads;
    threads.reserve(3);
    for (int number = 0; number < 3; ++number)
        threads.emplace_back([&] {
            for (int at = 0; at < 1000; ++at)
                writer.add({Graph::passed, past + std::chrono::seconds(at % 600), {1, 2}});
        });
    writer.write_due();
    for (auto& thread : threads)
        thread.join();
    CHECK(writer.late() == 0);
}

TEST_CASE("the writer's thread writes by itself and ends when asked", "[rrd][writer]")
{
    const test::TempDirectory directory;
    /// Stands 20 s after the writer's start whenever it is asked later; no thread moves it.
    class LaterClock final : public Clock {
    public:
        WallTime now() const override { return wall_; }
        SteadyTime steady_now() const override { return asked_++ < 2 ? steady_ : steady_ + 20s; }

    private:
        WallTime wall_ = std::chrono::floor<std::chrono::minutes>(SystemClock().now()) + 30s;
        SteadyTime steady_ = SystemClock().steady_now();
        mutable std::atomic<int> asked_ = 0;
    };
    const LaterClock clock;
    const Minute now = std::chrono::floor<std::chrono::minutes>(clock.now());
    {
        RrdWriter writer(directory.path(), 0ms, clock);
        writer.add({Graph::passed, now - 1min, {3, 7}});
        writer.start();
        const RrdFile file(directory / "stats.rrd", {"recv", "sent"});
        const auto bound = std::chrono::steady_clock::now() + 10s;
        while (std::get<Minute>(file.open(now)) < now && std::chrono::steady_clock::now() < bound)
            std::this_thread::sleep_for(20ms);
    }
    CHECK(test::sum_of_rrd(directory / "stats.rrd", "sent", now - 1min, now) == Approx(7));
}
