#include "common/control_server.hpp"

#include <grp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/unix_socket.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::run_until;

namespace {

constexpr gid_t admins = 4711;
constexpr auto change = "{\"version\":1,\"command\":\"change\"}\n";
constexpr auto status = "{\"version\":1,\"command\":\"status\"}\n";

/// A user of the control socket.
struct Client {
    explicit Client(const std::string& path) : socket(test::connect_to(path)) {}

    bool ended()
    {
        open = test::receive_some(socket, answer) && open;
        return !open;
    }

    /// For more to read, or the end.
    void wait() const
    {
        pollfd ready{socket.get(), POLLIN, 0};
        ::poll(&ready, 1, -1);
    }

    FileDescriptor socket;
    std::string answer;
    bool open = true;
};

struct Fixture {
    explicit Fixture(ControlServer::Limits limits = {})
        : server(io, ListeningSocket::open(UnixSocketSpec{directory / "s"}, ControlServer::listen_options()),
                 commands(), limits)
    {
    }

    ControlCommands commands()
    {
        ControlCommands commands({.own = ::geteuid(), .group = admins});
        commands.add("status", ControlCommands::Effect::looks, [this](const json::object&) -> ControlResult {
            return json::object{{"text", json_text(text)}};
        });
        commands.add("change", ControlCommands::Effect::changes, [](const json::object&) -> ControlResult {
            return json::object{{"changed", true}};
        });
        commands.add_change("later", [this](const json::object&, const ControlPeer& peer, const auto& reply) {
            uid = peer.uid;
            replies.push_back(reply);
        });
        return commands;
    }

    std::string ask(std::string_view request)
    {
        Client client(directory / "s");
        CHECK(test::send_some(client.socket, request) == request.size());
        CHECK(run_until(io, [&] { return client.ended(); }));
        return client.answer;
    }

    /// Whether a process of that user, in that group beside its own, gets an answer with these words. For root only.
    bool answers(uid_t user, gid_t group, std::string_view request, std::string_view words)
    {
        ::chmod(directory.path().c_str(), 0711);
        const pid_t child = ::fork();
        if (child == 0) {
            if (::setgroups(1, &group) != 0 || ::setgid(user) != 0 || ::setuid(user) != 0)
                ::_exit(2);
            Client client(directory / "s");
            test::send_some(client.socket, request);
            while (!client.ended())
                client.wait();
            ::_exit(client.answer.find(words) == std::string::npos ? 1 : 0);
        }
        int result = 0;
        pid_t ended = 0;
        const bool in_time =
            run_until(io, [&] { return ended == child || (ended = ::waitpid(child, &result, WNOHANG)) == child; });
        return in_time && result == 0;
    }

    test::TempDirectory directory;
    asio::io_context io;
    std::string text = "well";
    std::vector<ControlCommands::Reply> replies; ///< to "later"
    uid_t uid = 1;
    ControlServer server;
};

/// Asks until the answer says that: a place at the socket becomes free when the loop gets to it.
bool hears_in_time(Fixture& fixture, const char* word)
{
    for (int attempt = 0; attempt < 500; ++attempt) {
        if (fixture.ask(status).find(word) != std::string::npos)
            return true;
        test::run_for(fixture.io, 10ms);
    }
    return false;
}

} // namespace

TEST_CASE("a request gets its answer, then the connection ends", "[common][control_server]")
{
    Fixture fixture;
    CHECK(fixture.ask(status) == "{\"version\":1,\"result\":{\"text\":\"well\"}}\n");
    CHECK(fixture.ask(status) == "{\"version\":1,\"result\":{\"text\":\"well\"}}\n");
}

TEST_CASE("everybody may connect", "[common][control_server]")
{
    Fixture fixture;
    struct stat found {};
    REQUIRE(::lstat((fixture.directory / "s").c_str(), &found) == 0);
    CHECK((found.st_mode & 07777) == 0666);
}

TEST_CASE("the daemon's own user may have something changed", "[common][control_server]")
{
    Fixture fixture;
    CHECK(fixture.ask(change) == "{\"version\":1,\"result\":{\"changed\":true}}\n");
}

TEST_CASE("others may look, and change something where they are in the group", "[common][control_server]")
{
    if (::geteuid() != 0)
        return; // only root can be somebody else
    constexpr uid_t stranger = 4242;
    Fixture fixture;
    CHECK(fixture.answers(stranger, stranger, status, "well"));
    CHECK(fixture.answers(stranger, stranger, change, "denied"));
    CHECK(fixture.answers(stranger, 0, change, "denied"));
    CHECK(fixture.answers(stranger, admins, change, "changed"));
}

TEST_CASE("a request may come in pieces", "[common][control_server]")
{
    Fixture fixture;
    Client client(fixture.directory / "s");
    for (const char octet : std::string(status)) {
        test::send_some(client.socket, {&octet, 1});
        test::run_for(fixture.io, 1ms);
    }
    CHECK(run_until(fixture.io, [&] { return client.ended(); }));
    CHECK(client.answer.find("well") != std::string::npos);
}

TEST_CASE("an answer may be larger than what the socket takes at once", "[common][control_server]")
{
    Fixture fixture;
    fixture.text.assign(3'000'000, 'x');
    CHECK(fixture.ask(status).size() > fixture.text.size());
}

TEST_CASE("a request without end is refused at its bound", "[common][control_server]")
{
    Fixture fixture;
    Client client(fixture.directory / "s");
    std::size_t sent = 0;
    CHECK(run_until(fixture.io, [&] {
        sent += test::send_some(client.socket, std::string(1000, 'x'));
        return client.ended();
    }));
    CHECK(client.answer.find("malformed") != std::string::npos);
    CHECK(sent < 2'000'000);
}

TEST_CASE("one connection too many is told so, and a place becomes free", "[common][control_server]")
{
    Fixture fixture({.connections = 2, .timeout = 5s});
    Client first(fixture.directory / "s");
    {
        const Client second(fixture.directory / "s");
        CHECK(hears_in_time(fixture, "busy"));
    }
    CHECK(hears_in_time(fixture, "well"));
}

TEST_CASE("who says nothing is dropped, as is who reads nothing", "[common][control_server]")
{
    Fixture fixture({.connections = 1, .timeout = 20ms});
    Client silent(fixture.directory / "s");
    CHECK(run_until(fixture.io, [&] { return silent.ended(); }));
    CHECK(silent.answer.empty());

    fixture.text.assign(3'000'000, 'x');
    Client deaf(fixture.directory / "s");
    test::send_some(deaf.socket, status);
    test::run_for(fixture.io, 5ms);
    fixture.text = "well";
    CHECK(hears_in_time(fixture, "well"));
}

TEST_CASE("an answer may come later, or too late", "[common][control_server]")
{
    Fixture fixture({.connections = 1, .timeout = 50ms});
    const auto begin = [&](Client& client) {
        test::send_some(client.socket, "{\"version\":1,\"command\":\"later\"}\n");
        const std::size_t before = fixture.replies.size();
        REQUIRE(run_until(fixture.io, [&] { return fixture.replies.size() == before + 1; }));
    };
    Client patient(fixture.directory / "s");
    begin(patient);
    CHECK(fixture.uid == ::geteuid());
    CHECK_FALSE(patient.ended());
    fixture.replies.back()(json::object{{"done", true}});
    CHECK(run_until(fixture.io, [&] { return patient.ended(); }));
    CHECK(patient.answer == "{\"version\":1,\"result\":{\"done\":true}}\n");

    Client late(fixture.directory / "s");
    begin(late);
    CHECK(run_until(fixture.io, [&] { return late.ended(); }));
    CHECK(late.answer.empty());
    CHECK(hears_in_time(fixture, "well")); // its place is free although nobody has replied
    fixture.replies.back()(json::object{});
    CHECK(hears_in_time(fixture, "well"));
}

TEST_CASE("the groups of who connected are known, the primary one too", "[common][control_server]")
{
    const test::TempDirectory directory;
    const auto listening = ListeningSocket::open(UnixSocketSpec{directory / "s"});
    const FileDescriptor client = test::connect_to(directory / "s");
    const FileDescriptor accepted(::accept4(listening.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    const auto groups = peer_groups(accepted.get());
    CHECK(std::find(groups.begin(), groups.end(), ::getegid()) != groups.end());
    std::vector<gid_t> own(static_cast<std::size_t>(::getgroups(0, nullptr)));
    REQUIRE(::getgroups(static_cast<int>(own.size()), own.data()) == static_cast<int>(own.size()));
    for (const gid_t group : own)
        CHECK(std::find(groups.begin(), groups.end(), group) != groups.end());
    CHECK(peer_groups(-1).empty());
}
