#include "common/acceptor.hpp"

#include <sys/resource.h>

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

/// This process can open no more descriptors as long as this lives.
class NoDescriptorsLeft {
public:
    NoDescriptorsLeft()
    {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit none{0, before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    NoDescriptorsLeft(const NoDescriptorsLeft&) = delete;
    NoDescriptorsLeft& operator=(const NoDescriptorsLeft&) = delete;
    ~NoDescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

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

TEST_CASE("who connects while there are no descriptors waits for one", "[common][acceptor]")
{
    Fixture t;
    const FileDescriptor client = test::connect_to(t.directory / "s");
    {
        const NoDescriptorsLeft none;
        test::run_for(t.io, 20ms);
        CHECK(t.taken.empty());
    }
    CHECK(test::run_until(t.io, [&t] { return t.taken.size() == 1; }));
}
