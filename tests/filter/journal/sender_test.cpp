#include "filter/journal/sender.hpp"

#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "common/listening_socket.hpp"
#include "filter/journal/disk_journal.hpp"
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

FilterConfig config_for(const TempDirectory& directory)
{
    FilterConfig config;
    config.journal_directory = directory / "journal";
    config.durability = Durability::process;
    return config;
}

struct Fixture {
    Fixture()
    {
        journal.on_release([this] { sender.wake(); });
    }

    /// And waits until they may be sent.
    void append(std::uint64_t count)
    {
        for (; count > 0; --count)
            journal.append(message(), nullptr);
        wait_for_journal();
    }

    void wait_for_journal()
    {
        REQUIRE(run_until(io, [this] { return journal.catalogue().released() == journal.last(); }));
    }

    std::uint64_t waiting() { return journal.last() - journal.catalogue().acknowledged(); }

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
    SystemClock clock;
    DiskJournal journal{io, config_for(directory), clock};
    Sender sender{io, journal.catalogue(), {UnixSocketSpec{path}, "submission", journal.id()}};
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
          event::Hello{event::lowest_version, event::highest_version, t.journal.id(), 1, "submission"});
    CHECK(t.collector->sequences.empty());

    t.collector->say(event::Welcome{1});
    t.wait_for_records(2);
    t.append(1);
    t.wait_for_records(3);
    CHECK(t.collector->sequences == numbers(1, 3));
    CHECK(t.waiting() == 3);

    t.collector->say(event::Ack{3});
    CHECK(run_until(t.io, [&t] { return t.waiting() == 0; }));
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
    REQUIRE(run_until(t.io, [&t] { return t.waiting() == 3; }));

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
    t.append(8000);
    test::run_for(t.io, 50ms);
    t.append(8000);
    CHECK(t.waiting() == 16000);
    t.wait_for_records(16000);
    CHECK(t.collector->sequences == numbers(1, 16000));
}

TEST_CASE("no more goes out than the window allows, until there is an ACK", "[sender]")
{
    Fixture t;
    t.open_collector();
    t.greet();
    auto large = message();
    large.reason.assign(1 << 20, 'x');
    for (int at = 0; at < 40; ++at) {
        t.journal.append(large, nullptr);
        t.wait_for_journal();
    }
    t.wait_for_records(4);
    test::run_for(t.io, 100ms);
    t.collector->listen();
    CHECK(t.collector->sequences.size() <= 5);
    for (std::uint64_t sequence = 4; sequence < 40; sequence += 4) {
        t.collector->say(event::Ack{sequence});
        t.wait_for_records(sequence + 4);
    }
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
    CHECK(t.waiting() == 1);
    t.collector->hang_up();
    t.greet();
    t.wait_for_records(1);
}

TEST_CASE("records of an earlier start go first, under their own journal", "[sender]")
{
    const TempDirectory directory;
    std::uint64_t earlier = 0;
    {
        asio::io_context io{1};
        SystemClock clock;
        DiskJournal journal(io, config_for(directory), clock);
        earlier = journal.id();
        for (int count = 0; count < 3; ++count)
            journal.append(message(), nullptr);
        REQUIRE(run_until(io, [&journal] { return journal.catalogue().released() == 3; }));
    }
    asio::io_context io{1};
    SystemClock clock;
    DiskJournal journal(io, config_for(directory), clock);
    REQUIRE(journal.last() == 3);
    REQUIRE(journal.id() != earlier);
    FakeCollector collector(directory / "events.sock");
    Sender sender(io, journal.catalogue(), {UnixSocketSpec{directory / "events.sock"}, "", journal.id()});
    journal.on_release([&sender] { sender.wake(); });
    journal.append(message(), nullptr);

    const auto greeted_by = [&](std::uint64_t id) {
        return run_until(io, [&] { return collector.accept(); }) &&
               run_until(io,
                         [&] {
                             collector.listen();
                             return !collector.hellos.empty();
                         }) &&
               collector.hellos[0].journal == id;
    };
    REQUIRE(greeted_by(earlier));
    CHECK(collector.hellos[0].first_unacknowledged == 1);
    collector.say(event::Welcome{1});
    REQUIRE(run_until(io, [&] {
        collector.listen();
        return collector.sequences == numbers(1, 3);
    }));
    collector.say(event::Ack{3});
    REQUIRE(run_until(io, [&] {
        collector.listen();
        return !collector.open;
    }));
    collector.hang_up();
    REQUIRE(greeted_by(journal.id()));
    CHECK(collector.hellos[0].first_unacknowledged == 4);
    collector.say(event::Welcome{1});
    CHECK(run_until(io, [&] {
        collector.listen();
        return collector.sequences == numbers(4, 4);
    }));
}
