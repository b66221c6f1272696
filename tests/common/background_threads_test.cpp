#include "common/background.hpp"

#include <future>
#include <string>
#include <thread>
#include <utility>

#include <catch2/catch.hpp>

#include "tests/support/run_until.hpp"

using namespace smtpauth;

TEST_CASE("work is done aside, in order, and its results come to the loop", "[common][background]")
{
    asio::io_context io{1};
    Background background(io);
    std::string results;
    for (const char letter : {'a', 'b', 'c'})
        background.run([letter] { return std::pair(letter, std::this_thread::get_id()); },
                       [&results](const std::pair<char, std::thread::id>& result) {
                           CHECK(result.second != std::this_thread::get_id());
                           results += result.first;
                       });
    CHECK(test::run_until(io, [&results] { return results == "abc"; }));
}

TEST_CASE("the end waits for the work that is being done", "[common][background]")
{
    asio::io_context io{1};
    bool done = false;
    {
        Background background(io);
        std::promise<void> begun;
        background.run(
            [&] {
                begun.set_value();
                done = true;
                return 0;
            },
            [](int) { FAIL("the loop has ended"); });
        begun.get_future().wait();
    }
    CHECK(done);
}
