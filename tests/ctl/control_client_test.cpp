#include "ctl/control_client.hpp"

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
