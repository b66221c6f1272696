#include "common/log.hpp"

#include <sstream>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;

TEST_CASE("lines of several threads never mix, also while the log is reopened", "[common][log]")
{
    constexpr int threads = 4;
    constexpr int lines = 200;
    const test::TempDirectory directory;
    const log::Settings settings{.to = "file:" + directory / "log", .level = log::Level::info, .program = "testd"};
    log::start(settings);
    {
        std::vector<std::jthread> writers;
        writers.reserve(threads);
        for (int i = 0; i < threads; ++i)
            writers.emplace_back([] {
                for (int line = 0; line < lines; ++line)
                    log::info("{}", "whole");
            });
        for (int i = 0; i < 20; ++i)
            log::reopen();
    }
    log::start({.to = "stderr", .level = log::Level::info, .program = "test"});

    std::istringstream text(directory.read("log"));
    int found = 0;
    for (std::string line; std::getline(text, line); ++found)
        REQUIRE_THAT(line, Catch::EndsWith("]: whole"));
    CHECK(found == threads * lines);
}
