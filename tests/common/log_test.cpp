#include "common/log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
namespace fs = std::filesystem;

namespace {

log::Settings to_file(const std::string& path, log::Level level = log::Level::info)
{
    return {.to = "file:" + path, .level = level, .program = "testd"};
}

/// Leaves the log of the test program as it was.
struct BackToStderr {
    BackToStderr() = default;
    BackToStderr(const BackToStderr&) = delete;
    BackToStderr& operator=(const BackToStderr&) = delete;
    ~BackToStderr() { log::start({.to = "stderr", .level = log::Level::info, .program = "test"}); }
};

/// The text of each line behind the date and "testd[PID]: ".
std::string without_head(const std::string& line)
{
    const auto end = line.find("]: ");
    return end == std::string::npos ? line : line.substr(end + 3);
}

} // namespace

TEST_CASE("a line has a date, the program, and its level where that is warning or error", "[common][log]")
{
    const test::TempDirectory directory;
    const BackToStderr back;
    log::start(to_file(directory / "log"));
    log::warning("{} of {}", 1, "two");
    const std::string line = directory.read("log");
    CHECK_THAT(line, Catch::Matches("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d [+-]\\d{4} testd\\[\\d+\\]: "
                                    "warning: 1 of two\\n"));
}

TEST_CASE("no text can forge a line", "[common][log]")
{
    const test::TempDirectory directory;
    const BackToStderr back;
    log::start(to_file(directory / "log"));
    log::info("{}", "a\nb\tc\x1b[31m\x7f\r");
    CHECK(without_head(directory.read("log")) == "a\\x0ab\\x09c\\x1b[31m\\x7f\\x0d\n");
}

TEST_CASE("a very long line is cut", "[common][log]")
{
    const test::TempDirectory directory;
    const BackToStderr back;
    log::start(to_file(directory / "log"));
    log::info("{}", std::string(10'000, 'x'));
    CHECK(without_head(directory.read("log")) == std::string(3800, 'x') + "...\n");
}

TEST_CASE("what is below the level is not written", "[common][log]")
{
    const test::TempDirectory directory;
    const BackToStderr back;
    log::start(to_file(directory / "log", log::Level::error));
    CHECK_FALSE(log::enabled(log::Level::warning));
    CHECK(log::enabled(log::Level::error));
    log::warning("no");
    log::error("yes");
    CHECK(without_head(directory.read("log")) == "error: yes\n");
}

TEST_CASE("after a rename, reopen goes on in a new file of mode 0640", "[common][log]")
{
    const test::TempDirectory directory;
    const BackToStderr back;
    log::start(to_file(directory / "log"));
    log::info("one");
    fs::rename(directory / "log", directory / "log.1");
    log::info("two");
    log::reopen();
    log::info("three");
    CHECK(without_head(directory.read("log")) == "three\n");
    CHECK_THAT(directory.read("log.1"), Catch::EndsWith("two\n"));
    struct stat status {};
    REQUIRE(::stat((directory / "log").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U & ~0640U) == 0);
}

TEST_CASE("a log file that cannot be opened is an error, and the old log stays", "[common][log]")
{
    const test::TempDirectory directory;
    const BackToStderr back;
    log::start(to_file(directory / "log"));
    CHECK_THROWS_WITH(log::start(to_file(directory / "none/log")),
                      "log file " + directory / "none/log" + ": No such file or directory");
    fs::create_symlink("elsewhere", directory / "link");
    CHECK_THROWS_WITH(log::start(to_file(directory / "link")), Catch::StartsWith("log file "));
    log::info("still here");
    CHECK(without_head(directory.read("log")) == "still here\n");

    fs::rename(directory.path(), directory.path() + ".away");
    log::reopen();
    fs::rename(directory.path() + ".away", directory.path());
    CHECK_THAT(directory.read("log"), Catch::EndsWith("No such file or directory; the old one stays open\n"));
}

TEST_CASE("under systemd a line begins with its priority", "[common][log]")
{
    const test::TempDirectory directory;
    const BackToStderr back;
    // stderr becomes a file, and JOURNAL_STREAM names it, as systemd does with its socket.
    const int saved = ::dup(STDERR_FILENO);
    const int file = ::open((directory / "err").c_str(), O_WRONLY | O_CREAT, 0600);
    REQUIRE(file >= 0);
    ::dup2(file, STDERR_FILENO);
    struct stat status {};
    REQUIRE(::fstat(file, &status) == 0);
    ::setenv("JOURNAL_STREAM", (std::to_string(status.st_dev) + ':' + std::to_string(status.st_ino)).c_str(), 1);

    log::start({.to = "auto", .level = log::Level::debug, .program = "testd"});
    log::debug("d");
    log::info("i");
    log::warning("w");
    log::error("e");

    ::unsetenv("JOURNAL_STREAM");
    ::dup2(saved, STDERR_FILENO);
    ::close(saved);
    ::close(file);
    CHECK(directory.read("err") == "<7>d\n<6>i\n<4>warning: w\n<3>error: e\n");
}

TEST_CASE("the last warnings and errors are remembered, and no more", "[common][log]")
{
    const test::TempDirectory directory;
    const BackToStderr back;
    log::start(to_file(directory / "log"));
    for (int i = 1; i <= 20; ++i) {
        log::info("nothing");
        log::warning("{}\n", i);
    }
    log::error("last");
    const auto problems = log::recent_problems();
    REQUIRE(problems.size() == 16);
    CHECK(problems.front().text == "6\\x0a");
    CHECK(problems.front().level == log::Level::warning);
    CHECK(problems.back().text == "last");
    CHECK(problems.back().level == log::Level::error);
    CHECK(problems.back().time.time_since_epoch().count() > 0);
}
