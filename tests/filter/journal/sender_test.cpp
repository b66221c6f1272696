#include "filter/journal/sender.hpp"

#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "common/listening_socket.hpp"
#include "proto/event/codec.hpp"
#include "tests/support/records.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/unix_socket.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::message;
using test::run_until;
using test::TempDirectory;

namespace {

class NobodyWaits final : public CommitWaiter {
public:
    void committed() override {}
};

/// A collector that does what the test says, one connection at a time.
class FakeCollector {
public:
    explicit FakeCollector(const std::string& path) : listening_(ListeningSocket::open(UnixSocketSpec{path})) {}

    /// Whether a connection is there (again).
    bool accept()
    {
        if (!connection_)
            connection_ = FileDescriptor(::accept4(listening_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        return static_cast<bool>(connection_);
    }

    /// Forgets the connection and what it brought.
    void hang_up()
    {
        connection_.reset();
        decoder_ = event::FrameDecoder();
        hellos.clear();
        sequences.clear();
    }

    template <class Frame>
    void say(const Frame& frame)
    {
        std::string bytes;
        append_frame(bytes, frame);
        test::send_some(connection_, bytes);
    }

    /// Takes in what has come.
    void listen()
    {
        std::string bytes;
        open = test::receive_some(connection_, bytes);
        decoder_.feed(bytes);
        while (const auto frame = decoder_.next()) {
            if (const auto* hello = std::get_if<event::Hello>(&*frame))
                hellos.push_back(*hello);
            else if (const auto* record = std::get_if<event::RecordFrame>(&*frame))
                sequences.push_back(record->sequence);
        }
    }

    std::vector<event::Hello> hellos;
    std::vector<std::uint64_t> sequences;
    bool open = false;

private:
    ListeningSocket listening_;
    FileDescriptor connection_;
    event::FrameDecoder decoder_;
};

struct Fixture {
    void append(std::uint64_t count)
    {
        NobodyWaits waiter;
        for (; count > 0; --count)
            journal.append(message(), waiter);
    }

    void open_collector() { collector = std::make_unique<FakeCollector>(path); }

    void wait_for_connection()
    {
        REQUIRE(run_until(io, [this] { return collector->accept(); }));
    }

    void wait_for_records(std::size_t count)
    {
        REQUIRE(run_until(io, [this, count] {
            collector->listen();
            return collector->sequences.size() >= count;
        }));
    }

    void greet()
    {
        wait_for_connection();
        REQUIRE(run_until(io, [this] {
            collector->listen();
            return !collector->hellos.empty();
        }));
        collector->say(event::Welcome{1});
    }

    TempDirectory directory;
    std::string path = directory / "events.sock";
    asio::io_context io{1};
    MemoryJournal journal{std::size_t{64} << 20, {0xabc, 0xdef}};
    Sender sender{io, journal, UnixSocketSpec{path}, "submission"};
    std::unique_ptr<FakeCollector> collector;
};

std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t last)
{
    std::vector<std::uint64_t> result;
    for (; first <= last; ++first)
        result.push_back(first);
    return result;
}

} // namespace

TEST_CASE("records go out after the greeting, and are forgotten once acknowledged", "[sender]")
{
    Fixture t;
    t.open_collector();
    t.append(2);
    t.wait_for_connection();
    test::run_for(t.io, 20ms);
    t.collector->listen();
    REQUIRE(t.collector->hellos.size() == 1);
    CHECK(t.collector->hellos[0] ==
          event::Hello{event::lowest_version, event::highest_version, 0xabc, 0xdef, 1, "submission"});
    CHECK(t.collector->sequences.empty());

    t.collector->say(event::Welcome{1});
    t.wait_for_records(2);
    t.append(1);
    t.wait_for_records(3);
    CHECK(t.collector->sequences == numbers(1, 3));
    CHECK(t.journal.waiting() == 3);

    t.collector->say(event::Ack{3});
    CHECK(run_until(t.io, [&t] { return t.journal.waiting() == 0; }));
}

TEST_CASE("a collector that comes late gets everything", "[sender]")
{
    Fixture t;
    t.append(5000);
    test::run_for(t.io, 50ms);
    t.open_collector();
    t.greet();
    t.wait_for_records(5000);
    CHECK(t.collector->sequences == numbers(1, 5000));
}

TEST_CASE("after a lost connection sending goes on at the first unacknowledged record", "[sender]")
{
    Fixture t;
    t.open_collector();
    t.append(10);
    t.greet();
    t.wait_for_records(10);
    t.collector->say(event::Ack{7});
    REQUIRE(run_until(t.io, [&t] { return t.journal.waiting() == 3; }));

    t.collector->hang_up();
    t.greet();
    CHECK(t.collector->hellos[0].first_unacknowledged == 8);
    t.append(1);
    t.wait_for_records(4);
    CHECK(t.collector->sequences == numbers(8, 11));
}

TEST_CASE("a collector that reads nothing stops nothing but itself", "[sender]")
{
    Fixture t;
    t.open_collector();
    t.greet();
    t.append(20000);
    test::run_for(t.io, 50ms);
    t.append(20000);
    CHECK(t.journal.waiting() == 40000);
    t.wait_for_records(40000);
    CHECK(t.collector->sequences == numbers(1, 40000));
}

TEST_CASE("no more goes out than the window allows, until there is an ACK", "[sender]")
{
    Fixture t;
    t.open_collector();
    t.greet();
    NobodyWaits waiter;
    auto large = message();
    large.reason.assign(1 << 20, 'x');
    for (int at = 0; at < 40; ++at)
        t.journal.append(large, waiter);
    t.wait_for_records(16);
    test::run_for(t.io, 100ms);
    t.collector->listen();
    CHECK(t.collector->sequences.size() <= 17);
    t.collector->say(event::Ack{10});
    t.wait_for_records(26);
    t.collector->say(event::Ack{26});
    t.wait_for_records(40);
    CHECK(t.collector->sequences == numbers(1, 40));
}

TEST_CASE("an answer that cannot be ends the connection, not the filter", "[sender]")
{
    Fixture t;
    t.open_collector();
    t.append(1);
    t.wait_for_connection();
    SECTION("a version that nobody offered")
    {
        t.collector->say(event::Welcome{9});
    }
    SECTION("an ACK before the greeting")
    {
        t.collector->say(event::Ack{1});
    }
    SECTION("an ACK of the future")
    {
        t.collector->say(event::Welcome{1});
        t.collector->say(event::Ack{2});
    }
    CHECK(run_until(t.io, [&t] {
        t.collector->listen();
        return !t.collector->open;
    }));
    CHECK(t.journal.waiting() == 1);
    t.collector->hang_up();
    t.greet();
    t.wait_for_records(1);
}

TEST_CASE("the end waits for the last ACK", "[sender]")
{
    Fixture t;
    t.open_collector();
    t.greet();
    t.append(3);
    bool done = false;
    t.sender.flush(10s, [&done] { done = true; });
    t.wait_for_records(3);
    CHECK_FALSE(done);
    t.collector->say(event::Ack{3});
    CHECK(run_until(t.io, [&done] { return done; }));
}

TEST_CASE("the end does not wait for ever", "[sender]")
{
    Fixture t;
    t.append(3);
    bool done = false;
    t.sender.flush(50ms, [&done] { done = true; });
    CHECK(run_until(t.io, [&done] { return done; }));
    CHECK(t.journal.waiting() == 3);
}

TEST_CASE("with nothing to send the end is at once", "[sender]")
{
    Fixture t;
    bool done = false;
    t.sender.flush(10s, [&done] { done = true; });
    CHECK(run_until(
        t.io, [&done] { return done; }, 1s));
}
