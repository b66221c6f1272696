#include "common/socket_activation.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <stdexcept>

#include <catch2/catch.hpp>

#include "tests/support/environment.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/unix_socket.hpp"

using namespace smtpauth;

namespace {

/// A service manager's socket, bound to the very name that it will be known by.
FileDescriptor listen_at(const std::string& path)
{
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = test::unix_address(path);
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket.get(), 5) == 0);
    return socket;
}

/// What a child says that finds these descriptors from 3 on, as a service manager hands them over; only there do they
/// stand in nobody's way.
std::string in_child(const std::vector<int>& sockets, const std::function<std::string()>& body,
                     const std::string& names = "")
{
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        constexpr int aside = 200; // above all that are dealt out
        ::dup2(ends[1], aside - 1);
        for (std::size_t i = 0; i < sockets.size(); ++i)
            ::dup2(sockets[i], aside + static_cast<int>(i));
        for (std::size_t i = 0; i < sockets.size(); ++i)
            ::dup2(aside + static_cast<int>(i), 3 + static_cast<int>(i));
        ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
        ::setenv("LISTEN_FDS", std::to_string(sockets.size()).c_str(), 1);
        ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
        std::string said;
        try {
            said = body();
        } catch (const std::exception& error) {
            said = error.what();
        }
        const ssize_t written = ::write(aside - 1, said.data(), said.size());
        ::_exit(written < 0 ? 1 : 0);
    }
    ::close(ends[1]);
    std::string said;
    char buffer[4096];
    for (ssize_t count = 0; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        said.append(buffer, static_cast<std::size_t>(count));
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    return said;
}

} // namespace

TEST_CASE("a socket that was handed over is used, and stays when the process ends", "[common][socket_activation]")
{
    const test::TempDirectory directory;
    const UnixSocketSpec spec{directory / "s"};
    const FileDescriptor made_by_manager = listen_at(spec.path);
    const std::string said = in_child({made_by_manager.get()}, [&] {
        {
            SocketActivation handed_over = SocketActivation::from_environment();
            const ListeningSocket socket = handed_over.open(spec, {});
            handed_over.expect_none_left();
            if (socket.fd() != 3)
                return "descriptor " + std::to_string(socket.fd());
            if ((::fcntl(3, F_GETFD) & FD_CLOEXEC) == 0 || (::fcntl(3, F_GETFL) & O_NONBLOCK) == 0)
                return std::string("wrong flags");
            if (std::getenv("LISTEN_FDS") != nullptr || std::getenv("LISTEN_PID") != nullptr)
                return std::string("children would take them for theirs");
        }
        return std::string("good");
    });
    CHECK(said == "good");
    CHECK(test::connect_to(spec.path));
}

TEST_CASE("what was not handed over is opened", "[common][socket_activation]")
{
    const test::TempDirectory directory;
    const FileDescriptor handed = listen_at(directory / "a");
    CHECK(in_child({handed.get()}, [&] {
              SocketActivation handed_over = SocketActivation::from_environment();
              const ListeningSocket own = handed_over.open(UnixSocketSpec{directory / "b"}, {});
              const ListeningSocket theirs = handed_over.open(UnixSocketSpec{directory / "a"}, {});
              handed_over.expect_none_left();
              return std::string(theirs.fd() == 3 && test::connect_to(directory / "b") ? "good" : "bad");
          }) == "good");
}

TEST_CASE("a path may be written in another way than the service manager's", "[common][socket_activation]")
{
    const test::TempDirectory directory;
    const FileDescriptor handed = listen_at(directory / "s");
    REQUIRE(::symlink(directory.path().c_str(), (directory / "link").c_str()) == 0);
    CHECK(in_child({handed.get()}, [&] {
              SocketActivation handed_over = SocketActivation::from_environment();
              const ListeningSocket socket = handed_over.open(UnixSocketSpec{directory / "link/s"}, {});
              handed_over.expect_none_left();
              return std::to_string(socket.fd());
          }) == "3");
}

TEST_CASE("a socket that no setting names is an error with its name", "[common][socket_activation]")
{
    const test::TempDirectory directory;
    const FileDescriptor first = listen_at(directory / "a");
    const FileDescriptor second = listen_at(directory / "b");
    CHECK(in_child(
              {first.get(), second.get()},
              [&] {
                  SocketActivation handed_over = SocketActivation::from_environment();
                  const ListeningSocket used = handed_over.open(UnixSocketSpec{directory / "a"}, {});
                  handed_over.expect_none_left();
                  return std::string("no error");
              },
              "milter:other.socket") == "the service manager handed over sockets that no setting names: unix:" +
                                            (directory / "b") + " (\"other.socket\")");
}

TEST_CASE("what is no listening socket is an error", "[common][socket_activation]")
{
    const FileDescriptor not_listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const FileDescriptor datagrams(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    for (const int fd : {not_listening.get(), datagrams.get()})
        CHECK(in_child({fd},
                       [] {
                           SocketActivation::from_environment();
                           return std::string("no error");
                       }) ==
              "descriptor 3 (\"\"), handed over by the service manager, is no stream socket that listens: its "
              "unit needs ListenStream= and Accept=no");
}

TEST_CASE("sockets for another process are left alone", "[common][socket_activation]")
{
    const test::Variable pid("LISTEN_PID", std::to_string(::getppid()));
    const test::Variable count("LISTEN_FDS", "100000");
    const SocketActivation handed_over = SocketActivation::from_environment();
    handed_over.expect_none_left();
    CHECK(std::getenv("LISTEN_FDS") == nullptr);
}

TEST_CASE("a number of sockets that is none is an error", "[common][socket_activation]")
{
    const std::string text = GENERATE(as<std::string>(), "", "x", "-1", "1x", "99999999999", "5000");
    const test::Variable pid("LISTEN_PID", std::to_string(::getpid()));
    const test::Variable count("LISTEN_FDS", text);
    CHECK_THROWS_WITH(SocketActivation::from_environment(),
                      "LISTEN_FDS is \"" + text + "\", expected a number of sockets");
}
