#include "common/daemon_status.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/log.hpp"
#include "version.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

TEST_CASE("a daemon says who it is, then its own figures, then what went wrong", "[common][daemon_status]")
{
    log::warning("disk is {}", "f\xfcll");
    const json::object status = daemon_status(90'500ms, {{"connections", 3}});
    CHECK(status.begin()->key() == "version");
    CHECK(status.at("version").as_string() == version);
    CHECK(status.at("pid") == ::getpid());
    CHECK(status.at("uptime_s") == 90);
    CHECK(status.at("connections") == 3);

    const json::object& problem = status.at("problems").as_array().back().as_object();
    CHECK(problem.at("text").as_string() == "disk is f\\xfcll");
    CHECK(problem.at("level").as_string() == "warning");
    CHECK_THAT(std::string(problem.at("time").as_string()),
               Catch::Matches("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"));
}
