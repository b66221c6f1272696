#include "common/listening_socket.hpp"

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include <catch2/catch.hpp>

#include "common/file_descriptor.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
namespace fs = std::filesystem;

namespace {

FileDescriptor connect_to(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fd.reset();
    return fd;
}

std::string error_of(const SocketSpec& spec, const ListenOptions& options = {})
{
    try {
        ListeningSocket::open(spec, options);
        return "none";
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

mode_t mode_of(const std::string& path)
{
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

/// What a process that was killed leaves behind.
void leave_stale_socket(const std::string& path)
{
    ListeningSocket listening = ListeningSocket::open(UnixSocketSpec{path});
    fs::rename(path, path + ".kept");
    listening = ListeningSocket::open(UnixSocketSpec{path + ".other"});
    fs::rename(path + ".kept", path);
}

} // namespace

TEST_CASE("a UNIX socket listens with the mode asked for, alone in its directory", "[common][listening_socket]")
{
    const test::TempDirectory directory;
    const std::string path = directory / "s";
    const auto listening = ListeningSocket::open(UnixSocketSpec{path}, {.mode = 0620, .group = {}, .backlog = 5});
    CHECK(mode_of(path) == 0620);
    CHECK(connect_to(path));
    CHECK(std::distance(fs::directory_iterator(directory.path()), {}) == 1);
    CHECK((::fcntl(listening.fd(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(listening.fd(), F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE("a UNIX socket is removed at the end", "[common][listening_socket]")
{
    const test::TempDirectory directory;
    {
        auto first = ListeningSocket::open(UnixSocketSpec{directory / "s"});
        const auto moved = std::move(first);
        CHECK(fs::exists(directory / "s"));
    }
    CHECK_FALSE(fs::exists(directory / "s"));
}

TEST_CASE("a socket that a successor put in its place is not removed", "[common][listening_socket]")
{
    const test::TempDirectory directory;
    {
        const auto old = ListeningSocket::open(UnixSocketSpec{directory / "s"});
        fs::remove(directory / "s");
        directory.write("s", "a successor's");
    }
    CHECK(fs::exists(directory / "s"));
}

TEST_CASE("a socket file that a killed process left is replaced", "[common][listening_socket]")
{
    const test::TempDirectory directory;
    leave_stale_socket(directory / "s");
    REQUIRE(fs::exists(directory / "s"));
    REQUIRE_FALSE(connect_to(directory / "s"));
    const auto listening = ListeningSocket::open(UnixSocketSpec{directory / "s"});
    CHECK(connect_to(directory / "s"));
}

TEST_CASE("a path as long as the kernel allows can be listened on", "[common][listening_socket]")
{
    const test::TempDirectory directory;
    const std::string path = directory / std::string(107 - directory.path().size() - 1, 'x');
    const auto listening = ListeningSocket::open(UnixSocketSpec{path});
    CHECK(connect_to(path));
}

TEST_CASE("why a socket cannot be had is said with its name", "[common][listening_socket]")
{
    const test::TempDirectory directory;
    const std::string path = directory / "s";
    const std::string start = "cannot listen on unix:" + path + ": ";

    SECTION("another process listens there")
    {
        const auto live = ListeningSocket::open(UnixSocketSpec{path});
        CHECK(error_of(UnixSocketSpec{path}) == start + "another process listens there");
        CHECK(connect_to(path));
    }
    SECTION("the path is something else")
    {
        directory.write("s", "precious");
        CHECK(error_of(UnixSocketSpec{path}) == start + "the path exists and is not a socket");
        CHECK(directory.read("s") == "precious");
    }
    SECTION("the group is unknown, and nothing stays behind")
    {
        CHECK(error_of(UnixSocketSpec{path}, {.mode = 0660, .group = "no-such-group", .backlog = 5}) ==
              start + "group \"no-such-group\" does not exist");
        CHECK(fs::is_empty(directory.path()));
    }
    SECTION("the directory does not exist")
    {
        CHECK(error_of(UnixSocketSpec{path + "/s"}) ==
              "cannot listen on unix:" + path + "/s: bind: No such file or directory");
    }
}

TEST_CASE("a socket may belong to a group", "[common][listening_socket]")
{
    const test::TempDirectory directory;
    const group* const own = ::getgrgid(::getegid());
    REQUIRE(own != nullptr);
    const auto listening =
        ListeningSocket::open(UnixSocketSpec{directory / "s"}, {.mode = 0660, .group = own->gr_name, .backlog = 5});
    struct stat status {};
    REQUIRE(::lstat((directory / "s").c_str(), &status) == 0);
    CHECK(status.st_gid == ::getegid());
}

TEST_CASE("who connected to a UNIX socket is known", "[common][listening_socket]")
{
    const test::TempDirectory directory;
    const auto listening = ListeningSocket::open(UnixSocketSpec{directory / "s"});
    const FileDescriptor client = connect_to(directory / "s");
    const FileDescriptor accepted(::accept4(listening.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(accepted);
    const auto peer = peer_credentials(accepted.get());
    REQUIRE(peer);
    CHECK(peer->uid == ::geteuid());
    CHECK(peer->pid == ::getpid());
}

TEST_CASE("a TCP socket listens on its address, and a taken port is said", "[common][listening_socket]")
{
    // The kernel picks a free port; nobody else takes it within the moment between.
    FileDescriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
    REQUIRE(::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    probe.reset();

    const TcpSocketSpec spec{"127.0.0.1", ntohs(address.sin_port), false};
    const auto listening = ListeningSocket::open(spec);
    const FileDescriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
    CHECK_FALSE(peer_credentials(client.get()));
    CHECK(error_of(spec) == "cannot listen on " + to_string(spec) + ": bind: Address already in use");
}
