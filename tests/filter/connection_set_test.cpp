#include "filter/connection_set.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/packets.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/test_site.hpp"
#include "tests/support/unix_socket.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using test::commands_in;
using test::run_until;

namespace {

/// A disk that takes as long as the test wants.
class SlowJournal final : public Journal {
public:
    bool append(const event::Record& record, CommitWaiter* waiter) override
    {
        records.push_back(record);
        if (waiter != nullptr && !fast)
            waiters.push_back(waiter);
        return fast;
    }
    std::uint64_t last() const override { return records.size(); }
    void withdraw(CommitWaiter& waiter, const event::Record& mail) override
    {
        REQUIRE(waiters == std::vector<CommitWaiter*>{&waiter});
        waiters.clear();
        withdrawn.push_back(mail);
    }

    void finish(Kept kept)
    {
        for (CommitWaiter* waiter : std::exchange(waiters, {}))
            waiter->committed(kept);
    }

    std::vector<event::Record> records;
    std::vector<CommitWaiter*> waiters;
    bool fast = false; ///< every record is kept at once
    std::vector<event::Record> withdrawn;
};

/// One MTA that has only connected.
struct Connected {
    explicit Connected(FilterConfig config = {}) : site(std::move(config)) { mta = connect(); }
    ~Connected()
    {
        connections.close();
        run_until(io, [this] { return connections.size() == 0; });
    }

    FileDescriptor connect()
    {
        auto [near, far] = test::connected_pair();
        connections.add(std::move(far), site.size_source(), "test");
        return std::move(near);
    }

    /// Says this in full, and waits until the filter has read it.
    void say(const FileDescriptor& to, std::string_view bytes)
    {
        REQUIRE(run_until(io, [&] {
            bytes.remove_prefix(test::send_some(to, bytes));
            int unread = 0;
            return bytes.empty() && ::ioctl(to.get(), SIOCOUTQ, &unread) == 0 && unread == 0;
        }));
    }

    /// Whether the connection ends once the clock has moved.
    bool ends_after(std::chrono::milliseconds time)
    {
        site.clock().advance(time);
        return run_until(
            io, [this] { return connections.size() == 0; }, 1500ms); // a sweep is a second
    }

    asio::io_context io{1};
    test::TestSite site;
    SlowJournal journal;
    ConnectionSet connections{io, site.site(), journal};
    FileDescriptor mta;
};

/// One MTA whose message has come to its end.
struct Fixture {
    Fixture()
    {
        auto [near, far] = test::connected_pair();
        mta = std::move(near);
        connections.add(std::move(far), site.size_source(), "test");
        test::send_some(mta, test::offer());
        REQUIRE(hears("O"));
        test::send_some(mta, test::packet('C', "client" + std::string(1, '\0') + '4' + test::u32(0).substr(0, 2) +
                                                   test::strings({"192.0.2.7"})) +
                                 test::packet('M', test::strings({"<a@example.com>"})) +
                                 test::packet('R', test::strings({"<b@example.com>"})) + test::packet('E'));
        REQUIRE(run_until(io, [this] { return !journal.waiters.empty(); }));
    }
    ~Fixture()
    {
        journal.finish(Kept::yes);
        mta.reset();
        run_until(io, [this] { return connections.size() == 0; });
    }

    /// Replies since the connection began, as their letters.
    bool hears(const std::string& commands, std::chrono::milliseconds bound = 10s)
    {
        return run_until(
            io,
            [this, &commands] {
                test::receive_some(mta, heard);
                return commands_in(heard) == commands;
            },
            bound);
    }

    asio::io_context io{1};
    test::TestSite site;
    SlowJournal journal;
    ConnectionSet connections{io, site.site(), journal};
    FileDescriptor mta;
    std::string heard;
};

} // namespace

TEST_CASE("an MTA is kept patient while the disk works, and answered once", "[connections]")
{
    Fixture t;
    CHECK(t.hears("Oc")); // MAIL
    t.site.clock().advance(4s);
    CHECK(t.hears("Ocp"));
    t.site.clock().advance(4s);
    CHECK(t.hears("Ocpp"));
    t.journal.finish(Kept::yes);
    CHECK(t.hears("Ocppc"));
    CHECK(t.journal.records.size() == 1);
    CHECK(t.journal.withdrawn.empty());
}

TEST_CASE("a disk that takes longer than commit_timeout costs a 451, not a second answer", "[connections]")
{
    Fixture t;
    t.site.clock().advance(121s);
    CHECK(run_until(t.io, [&t] {
        test::receive_some(t.mta, t.heard);
        return t.heard.find("451 4.3.0") != std::string::npos;
    }));
    CHECK(t.journal.withdrawn.size() == 1);
    CHECK(commands_in(t.heard) == "Ocy");
}

TEST_CASE("what cannot be kept passes, or is to be tried again", "[connections]")
{
    Fixture t;
    SECTION("on_journal_full = pass")
    {
        t.journal.finish(Kept::lost);
        CHECK(t.hears("Occ"));
        CHECK(t.connections.decisions().passed == 1);
    }
    SECTION("on_journal_full = tempfail")
    {
        t.journal.finish(Kept::no);
        CHECK(t.hears("Ocy"));
        CHECK(t.heard.find("451 4.3.0") != std::string::npos);
        CHECK(t.connections.decisions().passed == 0);
        CHECK(t.connections.decisions().refused == 1);
    }
}

TEST_CASE("each deadline ends its connection, and is counted", "[connections]")
{
    Connected t;
    std::string ignored;
    SECTION("to negotiate")
    {
        CHECK_FALSE(t.ends_after(29s));
        CHECK(t.ends_after(1s));
        CHECK(t.connections.closed().count(Closed::not_negotiated) == 1);
    }
    SECTION("to negotiate, octet by octet")
    {
        for (const char octet : test::offer().substr(0, 10)) {
            t.say(t.mta, {&octet, 1});
            t.site.clock().advance(3s);
        }
        CHECK(t.ends_after(0s));
        CHECK(t.connections.closed().count(Closed::not_negotiated) == 1);
    }
    SECTION("for a packet, however often something comes")
    {
        t.say(t.mta, test::offer());
        t.site.clock().advance(10min);
        for (const char octet : test::u32(4096)) {
            t.say(t.mta, {&octet, 1});
            t.site.clock().advance(19s);
        }
        CHECK(t.connections.size() == 1);
        CHECK(t.ends_after(0s));
        CHECK(t.connections.closed().count(Closed::unfinished_packet) == 1);
    }
    SECTION("between packets")
    {
        t.say(t.mta, test::offer());
        CHECK_FALSE(t.ends_after(2h - 1s));
        CHECK(t.ends_after(1s));
        CHECK(t.connections.closed().count(Closed::silent) == 1);
    }
}

TEST_CASE("beyond max_held_bytes whoever holds more than usual has to go", "[connections]")
{
    FilterConfig config;
    config.max_held_bytes = 500'000;
    Connected t(config);
    const std::string begun = test::u32(400'000) + "L" + std::string(250'000, 'x');
    const FileDescriptor usual = t.connect();
    const FileDescriptor second = t.connect();
    t.say(usual, test::offer());
    t.say(t.mta, test::offer() + begun);
    CHECK(t.connections.held_bytes() >= 250'000);
    t.say(usual, test::u32(1000) + "M");
    REQUIRE(t.connections.size() == 3);

    test::send_some(second, test::offer() + begun);
    CHECK(run_until(t.io, [&] { return t.connections.size() == 2; }));
    CHECK(t.connections.closed().count(Closed::too_much_held) == 1);
    CHECK(t.connections.held_bytes() < 500'000);
}
