#include "ctl/log_follower.hpp"

#include <filesystem>
#include <fstream>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;

namespace {

using Strings = std::vector<std::string>;

class Log {
public:
    Log() { append("old\n"); }

    void append(std::string_view text) { std::ofstream(path, std::ios::app | std::ios::binary) << text; }
    void rename() { std::filesystem::rename(path, path + ".1"); }

    test::TempDirectory directory;
    std::string path = directory / "stats.log";
};

Strings lines(LogFollower& follower)
{
    Strings found;
    follower.poll([&](std::string_view line) { found.emplace_back(line); });
    return found;
}

} // namespace

TEST_CASE("only whole lines that come later are told", "[ctl][log_follower]")
{
    Log log;
    log.append("ha");
    LogFollower follower(system_disk(), log.path);
    CHECK(lines(follower).empty());
    log.append("lf\none\ntw");
    CHECK(lines(follower) == Strings{"half", "one"});
    log.append("o\n");
    CHECK(lines(follower) == Strings{"two"});
    CHECK(lines(follower).empty());
}

TEST_CASE("a rotated log is followed to its end, and then the new one", "[ctl][log_follower]")
{
    Log log;
    LogFollower follower(system_disk(), log.path);
    log.append("one\n");
    log.rename();
    log.append("two\n");
    CHECK(lines(follower) == Strings{"one", "two"});
    log.rename();
    CHECK(lines(follower).empty());
    log.append("three\n");
    CHECK(lines(follower) == Strings{"three"});
}

TEST_CASE("a log that is not there yet, or was cut, is read from its beginning", "[ctl][log_follower]")
{
    const test::TempDirectory directory;
    LogFollower follower(system_disk(), directory / "stats.log");
    CHECK(lines(follower).empty());
    const std::string path = directory.write("stats.log", "one\ntwo\n");
    CHECK(lines(follower) == Strings{"one", "two"});
    std::filesystem::resize_file(path, 0);
    std::ofstream(path, std::ios::app) << "new\n";
    CHECK(lines(follower) == Strings{"new"});
}
