#include "common/daemon.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;

namespace {

CommandLine parse(std::vector<std::string> words, Instances instances = Instances::several)
{
    words.insert(words.begin(), "testd");
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    optind = 0; // getopt(3): begin anew
    return parse_command_line(static_cast<int>(words.size()), argv.data(), "testd", instances);
}

/// The exit code of a child that reads this command line; what it says goes nowhere.
int exit_of(const std::vector<std::string>& words, Instances instances = Instances::several)
{
    const pid_t child = ::fork();
    if (child == 0) {
        if (std::freopen("/dev/null", "w", stdout) == nullptr || std::freopen("/dev/null", "w", stderr) == nullptr)
            ::_exit(99);
        parse(words, instances);
        ::_exit(98); // it came back
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

TEST_CASE("without arguments a daemon reads its usual configuration", "[common][daemon]")
{
    const CommandLine line = parse({});
    CHECK(line.config == "/etc/smtpauth/smtpauth.toml");
    CHECK_FALSE(line.check_only);
    CHECK_FALSE(line.verbose);
    CHECK(line.instance.empty());
}

TEST_CASE("a daemon may be one of several", "[common][daemon]")
{
    CHECK(parse({"--instance", "mx1"}).instance == "mx1");
}

TEST_CASE("options say which configuration, and that it is only checked", "[common][daemon]")
{
    const CommandLine line = parse({"-f", "-c", "/x.toml", "-nv"});
    CHECK(line.config == "/x.toml");
    CHECK(line.check_only);
    CHECK(line.verbose);
}

TEST_CASE("a wrong command line ends with 64, a question with 0", "[common][daemon]")
{
    CHECK(exit_of({"-x"}) == exit_code::usage);
    CHECK(exit_of({"-c"}) == exit_code::usage);
    CHECK(exit_of({"stray"}) == exit_code::usage);
    CHECK(exit_of({"--frobnicate"}) == exit_code::usage);
    CHECK(exit_of({"--instance"}) == exit_code::usage);
    CHECK(exit_of({"--instance", ""}) == exit_code::usage);
    CHECK(exit_of({"--instance", "mx1"}, Instances::one) == exit_code::usage);
    CHECK(exit_of({"--help"}) == exit_code::ok);
    CHECK(exit_of({"--version"}) == exit_code::ok);
}

TEST_CASE("each signal has its handler, and SIGPIPE kills nobody", "[common][daemon]")
{
    asio::io_context io;
    std::string seen;
    Signals signals(
        io, {.on_reload = [&] { seen += 'r'; }, .on_reopen = [&] { seen += 'o'; }, .on_stop = [&] { seen += 's'; }});
    std::size_t expected = 0;
    for (const int signal : {SIGHUP, SIGUSR1, SIGTERM, SIGINT, SIGTERM}) {
        ::raise(SIGPIPE);
        ::raise(signal);
        ++expected;
        REQUIRE(test::run_until(io, [&] { return seen.size() == expected; }));
    }
    CHECK(seen == "rosss");
    signals.stop();
    io.restart();
    io.run();
    CHECK(io.stopped());
}

TEST_CASE("as many files may be open as the hard limit allows", "[common][daemon]")
{
    const std::size_t limit = raise_open_files_limit();
    rlimit now{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &now) == 0);
    CHECK(now.rlim_cur == now.rlim_max);
    CHECK(limit == now.rlim_cur);
}

TEST_CASE("a missing directory is made with those above it, closed to others", "[common][daemon]")
{
    const test::TempDirectory directory;
    make_directory(directory / "a/b/c");
    make_directory(directory / "a/b/c");
    struct stat status {};
    REQUIRE(::stat((directory / "a/b/c").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U & ~0750U) == 0);

    const std::string file = directory.write("file", "");
    CHECK_THROWS_WITH(make_directory(file), "cannot make directory " + file + ": the path exists and is no directory");
    CHECK_THROWS_WITH(make_directory(file + "/x"), "cannot make directory " + file + "/x: Not a directory");
    const std::string link = directory / "link";
    REQUIRE(::symlink("nowhere", link.c_str()) == 0);
    CHECK_THROWS_WITH(make_directory(link), "cannot look at directory " + link + ": No such file or directory");
}
