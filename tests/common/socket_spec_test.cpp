#include "common/socket_spec.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;

namespace {

std::string normal(std::string_view text)
{
    const auto result = parse_socket_spec(text);
    const auto* spec = std::get_if<SocketSpec>(&result);
    return spec != nullptr ? to_string(*spec) : "expected " + std::get<std::string>(result);
}

} // namespace

TEST_CASE("a socket may be named as Postfix and as Sendmail do", "[common][socket_spec]")
{
    CHECK(normal("unix:/run/x.sock") == "unix:/run/x.sock");
    CHECK(normal("local:/run/x.sock") == "unix:/run/x.sock");
    CHECK(normal("/run/x.sock") == "unix:/run/x.sock");
    CHECK(normal("inet:127.0.0.1:10025") == "inet:127.0.0.1:10025");
    CHECK(normal("inet:10025@127.0.0.1") == "inet:127.0.0.1:10025");
    CHECK(normal("inet:localhost:10025") == "inet:127.0.0.1:10025");
    CHECK(normal("inet6:[::1]:10025") == "inet6:[::1]:10025");
    CHECK(normal("inet6:10025@::1") == "inet6:[::1]:10025");
    CHECK(normal("inet6:10025@[2001:DB8::1]") == "inet6:[2001:db8::1]:10025");
    CHECK(normal("inet6:localhost:10025") == "inet6:[::1]:10025");
}

TEST_CASE("a wrong name of a socket says what was expected", "[common][socket_spec]")
{
    const std::string socket =
        "expected a socket such as \"unix:/run/x.sock\", \"inet:127.0.0.1:10025\" or \"inet6:[::1]:10025\"";
    CHECK(normal("") == socket);
    CHECK(normal("run/x.sock") == socket);
    CHECK(normal("tcp:127.0.0.1:1") == socket);
    CHECK(normal("unix:x.sock") == "expected an absolute path behind \"unix:\"");
    CHECK(normal("unix:/run/") == "expected an absolute path behind \"unix:\"");
    CHECK(normal("unix:/run/a\nb") == "expected a socket path without control bytes");

    const std::string port = "expected a port from 1 to 65535, such as \"inet:127.0.0.1:10025\"";
    CHECK(normal("inet:") == port);
    CHECK(normal("inet:127.0.0.1") == port);
    CHECK(normal("inet:127.0.0.1:0") == port);
    CHECK(normal("inet:127.0.0.1:65536") == port);
    CHECK(normal("inet:smtp@127.0.0.1") == port);

    CHECK(normal("inet:mail.example.org:25") == "expected an IPv4 address or localhost behind \"inet:\"");
    CHECK(normal("inet:[::1]:25") == "expected an IPv4 address or localhost behind \"inet:\"");
    CHECK(normal("inet6:127.0.0.1:25") == "expected an IPv6 address or localhost behind \"inet6:\"");
    CHECK(normal("inet6:::1:25") == "expected the IPv6 address in brackets, such as \"inet6:[::1]:10025\"");
}

TEST_CASE("a socket's path fits into the kernel's 107 bytes", "[common][socket_spec]")
{
    CHECK(normal("/" + std::string(106, 'x')) == "unix:/" + std::string(106, 'x'));
    CHECK(normal("/" + std::string(107, 'x')) == "expected a socket path of at most 107 bytes, not 108");
}

TEST_CASE("where only a UNIX socket will do, another is refused", "[common][socket_spec]")
{
    CHECK(std::get<UnixSocketSpec>(parse_unix_socket_spec("unix:/x")).path == "/x");
    CHECK(std::get<std::string>(parse_unix_socket_spec("inet:127.0.0.1:1")) ==
          "a UNIX socket such as \"unix:/run/x.sock\"");
    CHECK(std::get<std::string>(parse_unix_socket_spec("x")) == "a UNIX socket such as \"unix:/run/x.sock\"");
    CHECK(std::get<std::string>(parse_unix_socket_spec("unix:x")) == "an absolute path behind \"unix:\"");
}

TEST_CASE("a socket that may be turned off is turned off by nothing", "[common][socket_spec]")
{
    CHECK_FALSE(std::get<0>(parse_optional_socket_spec("")));
    CHECK(std::get<0>(parse_optional_socket_spec("/x")) == SocketSpec(UnixSocketSpec{"/x"}));
    CHECK(parse_optional_socket_spec("x").index() == 1);
}
