#include "collector/receiver.hpp"

#include <unistd.h>

#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"
#include "tests/support/unix_socket.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::encoded;
using test::message;
using test::run_until;
using test::TempDirectory;

namespace {

/// A filter that says what the test wants.
class FakeFilter {
public:
    explicit FakeFilter(const std::string& path) : socket_(test::connect_to(path)) {}

    void say(const std::string& bytes) { CHECK(test::send_some(socket_, bytes) == bytes.size()); }

    void greet(std::uint64_t journal = 0xa, std::uint64_t first = 1)
    {
        event::Hello hello;
        hello.journal = journal;
        hello.first_unacknowledged = first;
        hello.instance = "test";
        std::string bytes;
        append_frame(bytes, hello);
        say(bytes);
    }

    void send_record(std::uint64_t sequence)
    {
        std::string bytes;
        event::append_record_frame(bytes, sequence, encoded(message()));
        say(bytes);
    }

    void listen()
    {
        std::string bytes;
        open = test::receive_some(socket_, bytes) && open;
        decoder_.feed(bytes);
        while (const auto frame = decoder_.next()) {
            if (const auto* welcome = std::get_if<event::Welcome>(&*frame))
                version = welcome->version;
            else if (const auto* ack = std::get_if<event::Ack>(&*frame))
                acks.push_back(ack->sequence);
        }
    }

    const FileDescriptor& socket() const { return socket_; }

    std::uint16_t version = 0;
    std::vector<std::uint64_t> acks;
    bool open = true;

private:
    FileDescriptor socket_;
    event::FrameDecoder decoder_;
};

struct Fixture {
    Fixture() { receiver.start(); }

    bool ends(FakeFilter& filter)
    {
        return run_until(io, [&filter] {
            filter.listen();
            return !filter.open;
        });
    }

    bool acknowledges(FakeFilter& filter, std::uint64_t sequence)
    {
        return run_until(io, [&filter, sequence] {
            filter.listen();
            return !filter.acks.empty() && filter.acks.back() == sequence;
        });
    }

    bool gets_batch(std::size_t records)
    {
        return run_until(io,
                         [this, records] { return !submitted.empty() && submitted.back().entries.size() == records; });
    }

    /// What the worker does: gives the oldest batch back as safe.
    void make_safe()
    {
        REQUIRE_FALSE(submitted.empty());
        Batch batch = std::move(submitted.front());
        submitted.erase(submitted.begin());
        receiver.batch_done(std::move(batch));
    }

    TempDirectory directory;
    std::string path = directory / "events.sock";
    asio::io_context io{1};
    std::vector<Batch> submitted;
    Receiver receiver{io, ListeningSocket::open(UnixSocketSpec{path}), {::geteuid()}, [this](Batch batch) {
                          submitted.push_back(std::move(batch));
                      }};
};

} // namespace

TEST_CASE("records are acknowledged when they are safe, not before", "[receiver]")
{
    Fixture t;
    FakeFilter filter(t.path);
    filter.greet();
    REQUIRE(run_until(t.io, [&filter] {
        filter.listen();
        return filter.version == 1;
    }));
    filter.send_record(1);
    filter.send_record(2);
    REQUIRE(t.gets_batch(2));
    CHECK(t.submitted[0].entries[1].id == event::RecordId{0xa, 2});
    test::run_for(t.io, 20ms);
    filter.listen();
    CHECK(filter.acks.empty());
    t.make_safe();
    CHECK(t.acknowledges(filter, 2));
}

TEST_CASE("the receiver tells which filters are connected, and how far they are", "[receiver]")
{
    Fixture t;
    FakeFilter filter(t.path);
    const FakeFilter mute(t.path);
    filter.greet();
    filter.send_record(1);
    REQUIRE(t.gets_batch(1));
    filter.send_record(2);
    REQUIRE(run_until(t.io, [&t] { return t.receiver.waiting().records == 1; }));
    CHECK(t.receiver.waiting().bytes > 0);
    t.make_safe();

    const auto filters = t.receiver.filters();
    REQUIRE(filters.size() == 1);
    CHECK(filters[0].instance == "test");
    CHECK(filters[0].journal == 0xa);
    CHECK(filters[0].last_received == 2);
    CHECK(filters[0].last_acknowledged == 1);
    CHECK(t.receiver.waiting().records == 0);
}

TEST_CASE("one batch is with the worker, what comes meanwhile is the next", "[receiver]")
{
    Fixture t;
    FakeFilter filter(t.path);
    filter.greet();
    filter.send_record(1);
    REQUIRE(t.gets_batch(1));
    filter.send_record(2);
    test::run_for(t.io, 20ms);
    filter.send_record(3);
    test::run_for(t.io, 20ms);
    CHECK(t.submitted.size() == 1);
    t.make_safe();
    REQUIRE(t.submitted.size() == 1);
    CHECK(t.submitted[0].entries.size() == 2);
    t.make_safe();
    CHECK(t.acknowledges(filter, 3));
}

TEST_CASE("each of many filters gets its own acknowledgement", "[receiver]")
{
    Fixture t;
    std::vector<FakeFilter> filters;
    for (std::uint64_t number = 0; number < 20; ++number) {
        filters.emplace_back(t.path);
        filters.back().greet(number, 100 * number + 1);
        filters.back().send_record(100 * number + 1);
    }
    for (auto& filter : filters) {
        const auto number = static_cast<std::uint64_t>(&filter - filters.data());
        CHECK(run_until(t.io, [&] {
            if (!t.submitted.empty())
                t.make_safe();
            filter.listen();
            return !filter.acks.empty() && filter.acks.back() == 100 * number + 1;
        }));
    }
}

TEST_CASE("a full batch stops the reading until the worker is done", "[receiver]")
{
    Fixture t;
    FakeFilter filter(t.path);
    filter.greet();
    filter.send_record(1);
    REQUIRE(t.gets_batch(1));

    std::string stream;
    std::uint64_t sequence = 1;
    std::size_t taken = 0;
    const auto push = [&] {
        while (stream.size() < 1 << 20)
            event::append_record_frame(stream, ++sequence, encoded(message()));
        const std::size_t sent = test::send_some(filter.socket(), stream);
        stream.erase(0, sent);
        taken += sent;
        return sent;
    };
    // Until nothing moves any more.
    for (int idle = 0; idle < 20; idle = push() == 0 ? idle + 1 : 0)
        test::run_for(t.io, 5ms);
    CHECK(taken > 4 << 20);
    CHECK(taken < 8 << 20);

    t.make_safe();
    t.make_safe();
    test::run_for(t.io, 20ms);
    CHECK(push() > 0);
}

TEST_CASE("a ping asks for what is safe", "[receiver]")
{
    Fixture t;
    FakeFilter filter(t.path);
    filter.greet(0xa, 8);
    std::string ping;
    append_frame(ping, event::Ping{});
    filter.say(ping);
    CHECK(t.acknowledges(filter, 7));
}

TEST_CASE("who does not speak the protocol is left", "[receiver]")
{
    Fixture t;
    FakeFilter filter(t.path);
    SECTION("no greeting")
    {
        filter.send_record(1);
    }
    SECTION("two greetings")
    {
        filter.greet();
        filter.greet();
    }
    SECTION("no common version")
    {
        event::Hello hello;
        hello.lowest_version = 100;
        hello.highest_version = 101;
        std::string bytes;
        append_frame(bytes, hello);
        filter.say(bytes);
    }
    SECTION("a length of 4 GiB")
    {
        filter.say("\xff\xff\xff\xff");
    }
    SECTION("numbers that do not ascend")
    {
        filter.greet();
        filter.send_record(2);
        filter.send_record(2);
    }
    CHECK(t.ends(filter));
    FakeFilter other(t.path);
    other.greet();
    other.send_record(1);
    CHECK(run_until(t.io, [&t] { return !t.submitted.empty(); }));
}

TEST_CASE("only the users that are named may connect", "[receiver]")
{
    CHECK(Receiver::may_connect({0, 107}, 107));
    CHECK_FALSE(Receiver::may_connect({0, 107}, 1000));
    CHECK_FALSE(Receiver::may_connect({0, 65534}, 65534));

    Fixture t;
    t.receiver.set_peers({::geteuid() + 1});
    FakeFilter stranger(t.path);
    CHECK(t.ends(stranger));
    t.receiver.set_peers({::geteuid()});
    FakeFilter filter(t.path);
    filter.greet();
    filter.send_record(1);
    CHECK(t.gets_batch(1));
}

TEST_CASE("more connections than there can be are closed", "[receiver]")
{
    Fixture t;
    std::vector<FakeFilter> filters;
    filters.reserve(64);
    for (int number = 0; number < 64; ++number)
        filters.emplace_back(t.path);
    test::run_for(t.io, 20ms);
    FakeFilter one_more(t.path);
    CHECK(t.ends(one_more));
    filters.pop_back();
    test::run_for(t.io, 20ms);
    FakeFilter next(t.path);
    next.greet();
    next.send_record(1);
    CHECK(t.gets_batch(1));
}

TEST_CASE("the end comes when all that was read is acknowledged", "[receiver]")
{
    Fixture t;
    FakeFilter filter(t.path);
    filter.greet();
    filter.send_record(1);
    REQUIRE(t.gets_batch(1));
    filter.send_record(2);
    test::run_for(t.io, 20ms);

    bool done = false;
    t.receiver.stop([&done] { done = true; });
    test::run_for(t.io, 20ms);
    CHECK_FALSE(done);
    t.make_safe();
    CHECK_FALSE(done);
    t.make_safe();
    CHECK(done);
    CHECK(t.ends(filter));
    CHECK(filter.acks == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("with nothing under way the end is at once", "[receiver]")
{
    Fixture t;
    FakeFilter filter(t.path);
    filter.greet();
    test::run_for(t.io, 20ms);
    bool done = false;
    t.receiver.stop([&done] { done = true; });
    CHECK(done);
    CHECK(t.ends(filter));
}
