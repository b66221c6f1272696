#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "collector/delivery/alarms.hpp"
#include "tests/support/alarms.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

TEST_CASE("records, settings and questions may come while alarms go out", "[collector][delivery][threads]")
{
    const test::TempDirectory directory;
    const SystemClock clock;
    AlarmSettings settings;
    settings.incidents.gather = 0s;
    settings.hook.hook = {"/bin/true"};
    settings.mail.to = {"root@example.com"};
    settings.mail.smtp = UnixSocketSpec{directory / "nobody"};
    settings.retry = 1s;
    Alarms alarms({directory / "alarms.json", "/l/s"}, settings, clock);
    alarms.start();

    std::atomic<bool> stop = false;
    std::thread logs([&] {
        for (std::uint64_t sequence = 1; !stop; ++sequence) {
            alarms.add({0xa, sequence}, test::limited("user" + std::to_string(sequence % 50), clock.now()));
            std::this_thread::yield();
        }
    });
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < end &&
           (alarms.status().hook.delivered == 0 || alarms.status().mail.failed == 0))
        alarms.set(settings);
    stop = true;
    logs.join();
    CHECK(alarms.status().hook.delivered > 0);
    CHECK(alarms.status().mail.failed > 0);
    CHECK(alarms.status().open == 50);
}
