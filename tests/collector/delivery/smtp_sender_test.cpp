#include "collector/delivery/smtp_sender.hpp"

#include <functional>

#include <catch2/catch.hpp>

#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;

namespace {

/// Takes one connection, says what it is told to say whatever it hears, and hangs up if so wished.
struct Server {
    Server(asio::io_context& io, const std::string& path, std::string says, bool hangs_up)
        : acceptor(io, asio::local::stream_protocol::endpoint(path)),
          peer(io),
          text(std::move(says))
    {
        acceptor.async_accept(peer, [this, hangs_up](const boost::system::error_code& error) {
            REQUIRE_FALSE(error);
            peer.send(asio::buffer(text));
            if (hangs_up)
                peer.close();
        });
    }

    asio::local::stream_protocol::acceptor acceptor;
    asio::local::stream_protocol::socket peer;
    std::string text;
};

/// The dialogue after its end.
SmtpDialogue deliver(asio::io_context& io, const std::string& path, std::chrono::milliseconds timeout = 10s,
                     std::chrono::milliseconds of_mail = 10s, std::chrono::milliseconds of_all = 10s)
{
    SmtpDialogue dialogue({"mx", "", {"a@x"}, "hello\r\n"}, StartTls::opportunistic);
    bool done = false;
    asio::co_spawn(io, deliver_mail(io, {UnixSocketSpec{path}, timeout, of_mail, of_all, "", ""}, dialogue),
                   [&](const std::exception_ptr&) { done = true; });
    REQUIRE(test::run_until(io, [&] { return done; }));
    return dialogue;
}

} // namespace

TEST_CASE("a mail goes over a socket", "[collector][delivery]")
{
    const test::TempDirectory directory;
    asio::io_context io;
    Server server(io, directory / "s", "220 a\r\n250 b\r\n250 c\r\n250 d\r\n354 e\r\n250 f\r\n", false);
    const SmtpDialogue dialogue = deliver(io, directory / "s");
    CHECK(dialogue.error() == "");
    CHECK(dialogue.accepted().size() == 1);
    std::string heard(1000, '\0');
    heard.resize(server.peer.receive(asio::buffer(heard)));
    CHECK(heard == "EHLO mx\r\nMAIL FROM:<>\r\nRCPT TO:<a@x>\r\nDATA\r\nhello\r\n.\r\nQUIT\r\n");
}

TEST_CASE("what fails beneath a dialogue is told", "[collector][delivery]")
{
    const test::TempDirectory directory;
    asio::io_context io;
    SECTION("nobody listens")
    {
        CHECK(deliver(io, directory / "s").error() == "connecting: No such file or directory");
    }
    SECTION("the server is silent")
    {
        const Server server(io, directory / "s", "220 a\r\n", false);
        CHECK(deliver(io, directory / "s", 50ms).error() == "EHLO mx: nothing within 0.05 s");
    }
    SECTION("the server is silent about the mail, which may take its time")
    {
        const Server server(io, directory / "s", "220 a\r\n250 b\r\n250 c\r\n250 d\r\n354 e\r\n", false);
        CHECK(deliver(io, directory / "s", 10s, 60ms).error() == "the mail: nothing within 0.06 s");
    }
    SECTION("an answer that comes by and by has one deadline")
    {
        Server server(io, directory / "s", "220-a\r\n", false);
        Timer timer(io);
        std::function<void()> drip = [&] {
            timer.expires_after(20ms);
            timer.async_wait([&](const boost::system::error_code& error) {
                boost::system::error_code closed;
                if (!error)
                    server.peer.send(asio::buffer("220-a\r\n", 7), MSG_NOSIGNAL, closed);
                if (!error && !closed)
                    drip();
            });
        };
        drip();
        CHECK(deliver(io, directory / "s", 200ms).error() == "connecting: nothing within 0.2 s");
    }
    SECTION("all takes too long")
    {
        const Server server(io, directory / "s", "220 a\r\n", false);
        CHECK(deliver(io, directory / "s", 10s, 10s, 50ms).error() == "EHLO mx: the whole took too long");
    }
    SECTION("the server hangs up")
    {
        const Server server(io, directory / "s", "", true);
        CHECK(deliver(io, directory / "s").error() == "connecting: connection closed");
    }
}
