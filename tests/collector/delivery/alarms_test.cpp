#include "collector/delivery/alarms.hpp"

#include <memory>

#include <catch2/catch.hpp>

#include "tests/support/alarms.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::limited;
using test::noon;
using test::sent;

namespace {

/// Alarms that go to a hook, which counts its calls in a file.
struct Fixture {
    Fixture()
    {
        clock.set(noon);
        settings.hook.hook = {"/bin/sh", "-c", R"(cat >>"$0"; [ ! -e "$0.fails" ])", directory / "calls"};
    }

    void start() { alarms.emplace(Alarms::Files{directory / "alarms.json", "/l/stats.log"}, settings, clock); }

    void add(std::uint64_t sequence, const event::Record& record) { alarms->add({0xa, sequence}, record); }

    /// Lets time pass, and what then happens come to an end.
    void after(std::chrono::milliseconds time)
    {
        clock.advance(time);
        alarms->turn();
        asio::io_context& io = alarms->loop();
        io.restart();
        io.run_for(20s); // ends with the last delivery
    }

    /// How often the text is in what the hook got.
    int told(const std::string& text) const
    {
        int count = 0;
        const std::string all = directory.read("calls");
        for (std::size_t at = all.find(text); at != std::string::npos; at = all.find(text, at + 1))
            ++count;
        return count;
    }
    int opened() const { return told(R"("event":"opened")"); }
    int closed() const { return told(R"("event":"closed")"); }

    const test::TempDirectory directory;
    ManualClock clock;
    AlarmSettings settings;
    std::optional<Alarms> alarms;
};

} // namespace

TEST_CASE_METHOD(Fixture, "an incident is told once, and its end once, over restarts", "[collector][delivery]")
{
    start();
    add(1, sent("alice", noon, "A1"));
    add(2, limited("alice", noon));
    start();
    after(10s);
    CHECK(opened() == 1);
    start();
    after(1s);
    add(3, limited("alice", noon + 11s));
    add(2, limited("alice", noon));
    after(1s);
    CHECK(opened() == 1);
    CHECK(closed() == 0);
    start();
    after(31min);
    CHECK(opened() == 1);
    CHECK(closed() == 1);
    CHECK(told(R"("refused":2)") ==
          2 + 1); // the last hour, twice: since first, networks, rules have names of their own
    start();
    after(24h);
    CHECK(opened() + closed() == 2);
    CHECK(alarms->status().open == 0);
}

TEST_CASE_METHOD(Fixture, "what is not delivered waits, also for another process", "[collector][delivery]")
{
    const std::string fails = directory.write("calls.fails", "");
    start();
    add(1, limited("alice", noon));
    after(10s);
    CHECK(alarms->status().hook.waiting == 1);
    CHECK(alarms->status().hook.error == "/bin/sh ended with status 1");
    start();
    CHECK(alarms->status().hook.waiting == 1);
    after(1s);
    CHECK(alarms->status().hook.failed == 1);
    std::filesystem::remove(fails);
    after(9s);
    CHECK(alarms->status().hook.delivered == 0);
    after(2s);
    CHECK(alarms->status().hook.delivered == 1);
    CHECK(alarms->status().hook.waiting == 0);
    start();
    CHECK(alarms->status().hook.waiting == 0);
}

TEST_CASE_METHOD(Fixture, "what the state does not know is read from the logs, the rest remembered",
                 "[collector][delivery]")
{
    start();
    CHECK_FALSE(alarms->wants({0xa, 1}, true, noon - 61min));
    CHECK(alarms->wants({0xa, 1}, true, noon - 59min));
    add(1, sent("alice", noon, "A1"));
    add(2, limited("bob", noon));
    start();
    clock.advance(5h);
    CHECK_FALSE(alarms->wants({0xa, 1}, true, noon));
    CHECK_FALSE(alarms->wants({0xa, 2}, false, noon));
    CHECK(alarms->wants({0xa, 2}, true, noon));
    CHECK(alarms->wants({0xa, 3}, false, noon));
    CHECK(alarms->wants({0xa, 1}, true, noon + 5h));

    alarms->replay({0xa, 2}, limited("bob", noon));
    alarms->replay({0xa, 3}, limited("carol", noon));
    after(10s);
    CHECK(told(R"("account":"carol")") == 2); // began and ended long ago
    CHECK(told(R"("account":"bob")") == 2);
    CHECK(told(R"("late":true)") == 2);
    CHECK(told(R"("since_first":{"accepted":0,"recipients":0,"warned":0,"held":0,"refused":1})") == 4);
}

TEST_CASE_METHOD(Fixture, "a state file that is of no use is no reason not to start", "[collector][delivery]")
{
    directory.write("alarms.json", "{\"version\":1");
    start();
    add(1, limited("alice", noon));
    after(10s);
    CHECK(opened() == 1);
}

TEST_CASE_METHOD(Fixture, "where the state cannot be written alarms go out all the same", "[collector][delivery]")
{
    std::filesystem::create_directory(directory / "alarms.json.new");
    start();
    add(1, limited("alice", noon));
    after(10s);
    CHECK(opened() == 1);
}

TEST_CASE_METHOD(Fixture, "settings hold at once; turned off, nothing waits", "[collector][delivery]")
{
    directory.write("calls.fails", "");
    start();
    add(1, limited("alice", noon));
    after(10s);
    CHECK(alarms->status().hook_is_on);
    settings.hook.hook.clear();
    alarms->set(settings);
    CHECK_FALSE(alarms->status().hook_is_on);
    CHECK(alarms->status().hook.waiting == 0);
    after(1h);
    CHECK(opened() == 1);
    CHECK(closed() == 0);
}
