#include "common/acceptor.hpp"

#include <sys/socket.h>

#include <vector>

#include <catch2/catch.hpp>

#include "common/listening_socket.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/unix_socket.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    test::TempDirectory directory;
    asio::io_context io;
    ListeningSocket listening = ListeningSocket::open(UnixSocketSpec{directory / "s"});
    std::vector<FileDescriptor> taken;
    Acceptor acceptor{io, listening.fd(), "a socket", [this](FileDescriptor fd) { taken.push_back(std::move(fd)); }};
};

/// Has its name, and does not listen yet: accept() fails.
FileDescriptor bound_socket(const std::string& path)
{
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto address = test::unix_address(path);
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return socket;
}

} // namespace

TEST_CASE("each connection is taken, until the end", "[common][acceptor]")
{
    Fixture t;
    const FileDescriptor first = test::connect_to(t.directory / "s");
    const FileDescriptor second = test::connect_to(t.directory / "s");
    CHECK(test::run_until(t.io, [&t] { return t.taken.size() == 2; }));

    t.acceptor.stop();
    const FileDescriptor late = test::connect_to(t.directory / "s");
    test::run_for(t.io, 20ms);
    CHECK(t.taken.size() == 2);
}

TEST_CASE("where accept() fails it is tried again", "[common][acceptor]")
{
    const test::TempDirectory directory;
    asio::io_context io;
    const FileDescriptor socket = bound_socket(directory / "s");
    int taken = 0;
    const Acceptor acceptor(io, socket.get(), "a socket", [&taken](const FileDescriptor&) { ++taken; });
    test::run_for(io, 20ms);
    REQUIRE(::listen(socket.get(), 1) == 0);
    const FileDescriptor client = test::connect_to(directory / "s");
    CHECK(test::run_until(io, [&taken] { return taken == 1; }));
}
