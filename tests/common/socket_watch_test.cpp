#include "common/socket_watch.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "tests/support/run_until.hpp"
#include "tests/support/unix_socket.hpp"

using namespace smtpauth;
using test::run_until;

namespace {

/// A socket that is watched, and the other end of it.
struct Pair {
    explicit Pair(asio::io_context& io, SocketWatch::Turns turns = {[] {}, [] {}}) : watch(io, std::move(turns))
    {
        auto [near, far] = test::connected_pair();
        peer = std::move(near);
        socket.emplace(watch, std::move(far));
    }

    void say(std::string_view text) const { REQUIRE(test::send_some(peer, text) == text.size()); }

    SocketWatch watch;
    FileDescriptor peer;
    std::optional<WatchedSocket> socket;
};

/// Reads to the end; `text` grows with each read.
Task<void> read_all(WatchedSocket& socket, std::string& text, bool& ended)
{
    for (;;) {
        if (socket.must_wait(WatchedSocket::For::read))
            co_await socket.ready();
        char buffer[1024];
        const ssize_t count = ::recv(socket.fd(), buffer, sizeof buffer, 0);
        if (count == 0)
            break;
        if (count > 0)
            text.append(buffer, static_cast<std::size_t>(count));
    }
    ended = true;
}

Task<void> write_all(WatchedSocket& socket, std::size_t octets, bool& written)
{
    const std::string block(65536, 'x');
    while (octets != 0) {
        const ssize_t count = ::send(socket.fd(), block.data(), std::min(octets, block.size()), MSG_NOSIGNAL);
        if (count > 0)
            octets -= static_cast<std::size_t>(count);
        else if (socket.must_wait(WatchedSocket::For::write))
            co_await socket.ready();
    }
    written = true;
}

void spawn(asio::io_context& io, Task<void> task)
{
    asio::co_spawn(io, std::move(task), [](const std::exception_ptr& failure) { CHECK_FALSE(failure); });
}

} // namespace

TEST_CASE("whoever waits is told of what comes, as often as it comes", "[common][socket_watch]")
{
    asio::io_context io{1};
    Pair pair(io);
    std::string text;
    bool ended = false;
    pair.say("before ");
    spawn(io, read_all(*pair.socket, text, ended));
    CHECK(run_until(io, [&] { return text == "before "; }));
    pair.say("and ");
    CHECK(run_until(io, [&] { return text == "before and "; }));
    pair.say("after");
    CHECK(run_until(io, [&] { return text == "before and after"; }));
    CHECK_FALSE(ended);
    pair.peer.reset();
    CHECK(run_until(io, [&] { return ended; }));
}

TEST_CASE("an end that comes together with the last octets is not missed", "[common][socket_watch]")
{
    asio::io_context io{1};
    Pair pair(io);
    std::string text;
    bool ended = false;
    spawn(io, read_all(*pair.socket, text, ended));
    run_until(
        io, [] { return false; }, std::chrono::milliseconds(10));
    pair.say("last");
    SECTION("of one direction")
    {
        ::shutdown(pair.peer.get(), SHUT_WR);
    }
    SECTION("of both")
    {
        pair.peer.reset();
    }
    CHECK(run_until(io, [&] { return ended; }));
    CHECK(text == "last");
}

TEST_CASE("what came while nobody waited ends the next wait", "[common][socket_watch]")
{
    asio::io_context io{1};
    Pair pair(io);
    pair.say("early");
    run_until(
        io, [] { return false; }, std::chrono::milliseconds(10));
    CHECK_FALSE(pair.socket->must_wait(WatchedSocket::For::read));
    CHECK(pair.socket->must_wait(WatchedSocket::For::read));
}

TEST_CASE("room to write is told of, also to a peer that has ended its own direction", "[common][socket_watch]")
{
    asio::io_context io{1};
    Pair pair(io);
    bool written = false;
    SECTION("while the peer may still write") {}
    SECTION("where it has ended")
    {
        ::shutdown(pair.peer.get(), SHUT_WR);
    }
    spawn(io, write_all(*pair.socket, 4 << 20, written));
    CHECK(run_until(io, [&] {
        char buffer[65536];
        return ::recv(pair.peer.get(), buffer, sizeof buffer, 0) < 0 && written;
    }));
}

TEST_CASE("a wait may be ended by others", "[common][socket_watch]")
{
    asio::io_context io{1};
    Pair pair(io);
    bool woken = false;
    spawn(io, [](Pair& mine, bool& done) -> Task<void> {
        if (mine.socket->must_wait(WatchedSocket::For::read))
            co_await mine.socket->ready();
        done = true;
    }(pair, woken));
    run_until(
        io, [] { return false; }, std::chrono::milliseconds(10));
    CHECK_FALSE(woken);
    pair.socket->wake();
    CHECK(woken);
    pair.socket->wake();
    CHECK_FALSE(pair.socket->must_wait(WatchedSocket::For::read));
}

TEST_CASE("an event is not delivered to a socket that the one before it has ended", "[common][socket_watch]")
{
    asio::io_context io{1};
    Pair first(io);
    auto [second_peer, far] = test::connected_pair();
    std::optional<WatchedSocket> second;
    second.emplace(first.watch, std::move(far));
    int resumed = 0;
    // Whichever is told first ends the other.
    const auto end_other = [](WatchedSocket& mine, std::optional<WatchedSocket>& other, int& count) -> Task<void> {
        if (mine.must_wait(WatchedSocket::For::read))
            co_await mine.ready();
        ++count;
        other.reset();
    };
    spawn(io, end_other(*first.socket, second, resumed));
    spawn(io, end_other(*second, first.socket, resumed));
    run_until(
        io, [] { return false; }, std::chrono::milliseconds(10));
    first.say("1");
    REQUIRE(test::send_some(second_peer, "2") == 1);
    CHECK(run_until(io, [&] { return resumed != 0; }));
    run_until(
        io, [] { return false; }, std::chrono::milliseconds(10));
    CHECK(resumed == 1);
}

TEST_CASE("others come between two events, and at the end of those that came together", "[common][socket_watch]")
{
    asio::io_context io{1};
    std::string order;
    std::string text;
    std::string second_text;
    bool ended = false;
    Pair first(io, {.between = [&] { order += text + second_text + ' '; }, .end = [&] { order += "end "; }});
    auto [second_peer, far] = test::connected_pair();
    WatchedSocket second(first.watch, std::move(far));
    spawn(io, read_all(*first.socket, text, ended));
    spawn(io, read_all(second, second_text, ended));
    io.poll();
    order.clear();
    first.say("1");
    REQUIRE(test::send_some(second_peer, "2") == 1);
    CHECK(run_until(io, [&] { return order.find("end") != std::string::npos; }));
    CHECK(order == "1 12 end ");
}
