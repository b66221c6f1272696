#include "common/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include <catch2/catch.hpp>

#include "tests/support/environment.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::Variable;

namespace {

/// A service manager's end: a datagram socket at a path, or at an abstract name that begins with @.
class FakeManager {
public:
    explicit FakeManager(std::string name) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (name.front() == '@')
            name.front() = '\0';
        std::memcpy(address.sun_path, name.data(), name.size());
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (name[0] != '\0'));
        REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    }

    /// The next message, "" where there is none.
    std::string next()
    {
        std::string message(4096, '\0');
        const ssize_t size = ::recv(socket_.get(), message.data(), message.size(), 0);
        message.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return message;
    }

private:
    FileDescriptor socket_;
};

} // namespace

TEST_CASE("a service manager is told how the daemon is", "[common][service_manager]")
{
    const test::TempDirectory directory;
    const bool abstract = GENERATE(false, true);
    const std::string name = abstract ? "@smtpauth-test-" + std::to_string(::getpid()) : directory / "notify";
    CAPTURE(name);
    FakeManager fake(name);
    const Variable variable("NOTIFY_SOCKET", name);
    asio::io_context io;
    ServiceManager manager(io);
    CHECK(std::getenv("NOTIFY_SOCKET") == nullptr);

    manager.ready("serving\nSTOPPING=1");
    CHECK(fake.next() == "READY=1\nSTATUS=serving\\x0aSTOPPING=1");
    manager.reloading();
    CHECK_THAT(fake.next(), Catch::Matches("RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*"));
    manager.stopping("draining");
    CHECK(fake.next() == "STOPPING=1\nSTATUS=draining");
    CHECK(fake.next().empty());
}

TEST_CASE("without a service manager nothing happens", "[common][service_manager]")
{
    const std::string name =
        GENERATE(as<std::string>(), "", "@", "relative", "/nonexistent/notify", "/" + std::string(200, 'x'));
    CAPTURE(name);
    const Variable variable("NOTIFY_SOCKET", name);
    const Variable watchdog("WATCHDOG_USEC", "1000");
    asio::io_context io;
    ServiceManager manager(io);
    manager.ready("serving");
    test::run_for(io, 5ms);
    manager.stopping("ending");
}

TEST_CASE("a manager that does not read stops nobody", "[common][service_manager]")
{
    const test::TempDirectory directory;
    const FakeManager fake(directory / "notify");
    const Variable variable("NOTIFY_SOCKET", directory / "notify");
    asio::io_context io;
    ServiceManager manager(io);
    for (int i = 0; i < 10'000; ++i)
        manager.ready("serving");
}

TEST_CASE("the watchdog sees life twice in its time while the loop turns", "[common][service_manager]")
{
    const test::TempDirectory directory;
    FakeManager fake(directory / "notify");
    const Variable variable("NOTIFY_SOCKET", directory / "notify");
    const Variable patience("WATCHDOG_USEC", "20000");
    asio::io_context io;

    SECTION("meant for this process")
    {
        const Variable pid("WATCHDOG_PID", std::to_string(::getpid()));
        const ServiceManager manager(io);
        int signs = 0;
        CHECK(test::run_until(io, [&] {
            signs += fake.next() == "WATCHDOG=1" ? 1 : 0;
            return signs == 4;
        }));
        CHECK(std::getenv("WATCHDOG_USEC") == nullptr);
    }
    SECTION("meant for another")
    {
        const Variable pid("WATCHDOG_PID", std::to_string(::getppid()));
        const ServiceManager manager(io);
        test::run_for(io, 30ms);
        CHECK(fake.next().empty());
    }
}
