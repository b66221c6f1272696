#include "collector/delivery/hook_program.hpp"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>

#include <catch2/catch.hpp>

#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

namespace {

HookOutcome run(Strings argv, std::string input = "{}\n", std::chrono::milliseconds timeout = 20s)
{
    asio::io_context io;
    std::optional<HookOutcome> outcome;
    asio::co_spawn(io, run_hook(io, std::move(argv), std::move(input), timeout),
                   [&](const std::exception_ptr&, HookOutcome result) { outcome = std::move(result); });
    REQUIRE(test::run_until(
        io, [&] { return outcome.has_value(); }, 30s));
    // Nobody is left to be waited for.
    CHECK((::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD));
    return *outcome;
}

HookOutcome shell(const std::string& script, std::string input = "{}\n", std::chrono::milliseconds timeout = 20s)
{
    return run({"/bin/sh", "-c", script}, std::move(input), timeout);
}

/// What has ended and is not waited for by its parent is a zombie.
bool is_running(const std::string& pid)
{
    std::ifstream file("/proc/" + pid + "/stat");
    const std::string stat{std::istreambuf_iterator<char>(file), {}};
    return !stat.empty() && stat.find(") Z ") == std::string::npos;
}

} // namespace

TEST_CASE("a hook reads the alarm, and its arguments are as they are", "[collector][delivery]")
{
    const test::TempDirectory directory;
    const std::string input(1 << 20, 'x');
    const HookOutcome outcome =
        run({"/bin/sh", "-c", "cat >\"$0\"; echo \"$1\"", directory / "got", "$(id) `id`"}, input);
    CHECK(outcome.error.empty());
    CHECK(outcome.output == Strings{"$(id) `id`"});
    CHECK(directory.read("got") == input);
}

TEST_CASE("what becomes of a hook is said", "[collector][delivery]")
{
    CHECK(shell("exit 3").error == "ended with status 3");
    CHECK(shell("kill -9 $$").error == "ended by signal 9");
    CHECK(run({"/nonexistent"}).error == "cannot start: No such file or directory");
    CHECK(shell("sleep 60", "", 50ms).error == "not ended within 0.05 s, killed");
}

TEST_CASE("a hook that hangs is killed with what it started", "[collector][delivery]")
{
    const test::TempDirectory directory;
    CHECK(shell("(sleep 60; :) & echo $! >" + directory / "child" + "; wait", "", 200ms).error != "");
    const std::string child = directory.read("child");
    asio::io_context io;
    CHECK(test::run_until(io, [&] { return !is_running(child.substr(0, child.find('\n'))); }));
}

TEST_CASE("what a hook writes is kept in part and escaped, however much it is", "[collector][delivery]")
{
    CHECK(shell("printf 'one\\n\\ntwo \\033[2J\\n' ; echo three >&2").output ==
          Strings{"one", "two \\x1b[2J", "three"});
    CHECK(shell("yes | head -c 1000000; exit 0").error.empty());
    CHECK(shell("yes | head -c 1000000").output == Strings(5, "y"));
}

TEST_CASE("a hook has neither the daemon's descriptors nor its environment nor its ignored signals",
          "[collector][delivery]")
{
    const test::TempDirectory directory;
    const std::string file = directory.write("open", "");
    FILE* const open = std::fopen(file.c_str(), "r"); // without O_CLOEXEC
    ::signal(SIGPIPE, SIG_IGN);
    const HookOutcome outcome = shell("ls /proc/self/fd | wc -l; env | cut -d= -f1 | sort | tr '\\n' ' '; echo; "
                                      "grep -c 'SigIgn:.*[02468ace]...$' /proc/self/status; pwd");
    std::fclose(open);
    CHECK(outcome.output == Strings{"4", "LANG PATH PWD ", "1", "/"}); // ls opens one itself
}
