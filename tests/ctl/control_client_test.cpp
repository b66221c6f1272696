#include "ctl/control_client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <thread>

#include <catch2/catch.hpp>

#include "common/listening_socket.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

namespace {

std::string refusal_of(const ControlResult& result)
{
    const auto* const refusal = std::get_if<ControlRefusal>(&result);
    return refusal != nullptr ? refusal->code + ": " + refusal->text : "none";
}

} // namespace

TEST_CASE("a daemon that is not there is down", "[ctl][control_client]")
{
    const test::TempDirectory directory;
    CHECK(refusal_of(ask_daemon(directory / "s", control_request("status"))) ==
          "down: cannot connect: No such file or directory");
}

TEST_CASE("a daemon that hangs is down", "[ctl][control_client]")
{
    const test::TempDirectory directory;
    const auto never_accepts = ListeningSocket::open(UnixSocketSpec{directory / "s"});
    CHECK(refusal_of(ask_daemon(directory / "s", control_request("status"), 20ms)) ==
          "down: cannot receive: no answer in time");
}

TEST_CASE("an answer counts that came before the question", "[ctl][control_client]")
{
    const test::TempDirectory directory;
    const auto daemon = ListeningSocket::open(UnixSocketSpec{directory / "s"});
    std::thread busy([&daemon] {
        pollfd ready{daemon.fd(), POLLIN, 0};
        ::poll(&ready, 1, 10'000);
        const FileDescriptor client(::accept4(daemon.fd(), nullptr, nullptr, SOCK_CLOEXEC));
        const std::string refusal = control_answer(ControlRefusal{"busy", "too many"});
        ::send(client.get(), refusal.data(), refusal.size(), MSG_NOSIGNAL);
    });
    CHECK(refusal_of(ask_daemon(directory / "s", control_request("status"))) == "busy: too many");
    busy.join();
}
