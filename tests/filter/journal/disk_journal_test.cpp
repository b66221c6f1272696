#include "filter/journal/disk_journal.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "common/daemon.hpp"
#include "filter/journal/reader.hpp"
#include "proto/event/codec.hpp"
#include "proto/event/frame_decoder.hpp"
#include "tests/support/records.hpp"
#include "tests/support/run_until.hpp"
#include "tests/support/sim_disk.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using test::message;
using test::run_until;
using test::SimDisk;
using test::TempDirectory;

namespace {

struct Waiter final : CommitWaiter {
    void committed(Kept result) override { results.push_back(result); }
    std::vector<Kept> results;
};

struct Fixture {
    FilterConfig config()
    {
        FilterConfig config;
        config.journal_directory = directory / "journal";
        config.journal_max_bytes = 1 << 20;
        config.on_journal_full = on_full;
        config.durability = durability;
        return config;
    }

    /// What the collector would get.
    std::vector<event::Record> records(DiskJournal& journal)
    {
        std::string out;
        JournalReader reader(disk, journal.catalogue());
        reader.seek(0, journal.id());
        while (reader.read(out, 1 << 20).last != 0) {
        }
        event::FrameDecoder decoder;
        decoder.feed(out);
        std::vector<event::Record> found;
        while (const auto frame = decoder.next())
            found.push_back(std::get<event::Record>(event::decode(std::get<event::RecordFrame>(*frame).record)));
        return found;
    }

    TempDirectory directory;
    asio::io_context io{1};
    SystemClock clock;
    SimDisk disk;
    OnJournalFull on_full = OnJournalFull::pass;
    Durability durability = Durability::group;
};

} // namespace

TEST_CASE("a record is released once its waiter was told", "[journal]")
{
    Fixture t;
    DiskJournal journal(t.io, t.config(), t.clock, t.disk);
    Waiter waiter;
    journal.append(message("ONE"), &waiter);
    CHECK(waiter.results.empty());
    CHECK(journal.catalogue().released() == 0);
    REQUIRE(run_until(t.io, [&] { return journal.catalogue().released() == 1; }));
    CHECK(waiter.results == std::vector{Kept::yes});
    CHECK(t.records(journal) == std::vector{message("ONE")});
}

TEST_CASE("records are handed over together, and what became of them need not wait for the loop", "[journal]")
{
    Fixture t;
    DiskJournal journal(t.io, t.config(), t.clock, t.disk);
    Waiter waiter;
    journal.append(message("FIRST"), &waiter); // makes the file
    REQUIRE(run_until(t.io, [&] { return waiter.results.size() == 1; }));
    // The thread prepares its next file now, which has a sync of its own.
    std::uint64_t calls = 0;
    REQUIRE(run_until(t.io, [&] {
        const bool rests = t.disk.content(t.directory / "journal/next") && t.disk.calls() == calls;
        calls = t.disk.calls();
        return rests;
    }));
    const auto syncs = t.disk.calls(SimDisk::Call::sync);
    for (int i = 0; i < 200; ++i)
        journal.append(message("ONE"), &waiter);
    journal.flush();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (waiter.results.size() != 201 && std::chrono::steady_clock::now() < end)
        journal.poll();
    CHECK(waiter.results == std::vector(201, Kept::yes));
    CHECK(t.disk.calls(SimDisk::Call::sync) == syncs + 1);
}

TEST_CASE("where a write is all it takes, a record is kept at once", "[journal]")
{
    Fixture t;
    t.durability = Durability::process;
    DiskJournal journal(t.io, t.config(), t.clock, t.disk);
    Waiter waiter;
    REQUIRE_FALSE(journal.append(message("FIRST"), &waiter)); // makes the file
    REQUIRE(run_until(t.io, [&] { return waiter.results.size() == 1; }));

    // The thread may be at its work; once it is done, the loop takes over, without a quiet moment.
    bool at_once = false;
    REQUIRE(run_until(t.io, [&] { return at_once || (at_once = journal.append(message("AT_ONCE"), &waiter)); }));
    CHECK(journal.catalogue().released() == journal.last());
    REQUIRE(run_until(t.io, [&] { return waiter.results.size() + 1 == journal.last(); }));
    CHECK(t.records(journal).back() == message("AT_ONCE"));

    t.disk.set_fault({.nth = 1, .call = SimDisk::Call::write, .error = EIO});
    CHECK_FALSE(journal.append(message("FAILED_ONCE"), &waiter));
    const auto waits = waiter.results.size();
    REQUIRE(run_until(t.io, [&] { return waiter.results.size() == waits + 1; }));
    CHECK(waiter.results.back() == Kept::yes);
    CHECK(t.records(journal).back() == message("FAILED_ONCE"));
    CHECK(t.records(journal).size() == journal.last());
    CHECK(journal.figures().lost == Losses());
}

TEST_CASE("a record that is kept while others hear of theirs is released with them", "[journal]")
{
    /// The next message of the connection that waited.
    struct Next final : CommitWaiter {
        void committed(Kept result) override
        {
            CHECK(result == Kept::yes);
            at_once = journal->append(message("NEXT"), this);
        }
        DiskJournal* journal = nullptr;
        bool at_once = false;
    };
    Fixture t;
    t.durability = Durability::process;
    DiskJournal journal(t.io, t.config(), t.clock, t.disk);
    Next waiter;
    waiter.journal = &journal;
    REQUIRE_FALSE(journal.append(message("FIRST"), &waiter));
    REQUIRE(run_until(t.io, [&] { return waiter.at_once; })); // else the next one's next one is
    CHECK(journal.catalogue().released() == journal.last());
}

TEST_CASE("a message that was answered 451 while the disk hung is logged as that", "[journal]")
{
    Fixture t;
    Waiter waiter;
    {
        DiskJournal journal(t.io, t.config(), t.clock, t.disk);
        journal.append(message("HUNG"), &waiter);
        journal.withdraw(waiter, message("HUNG"));
        REQUIRE(run_until(t.io, [&] { return journal.catalogue().released() == 2; }));
        CHECK(waiter.results.empty());
        REQUIRE(t.records(journal).size() == 2);
        CHECK(t.records(journal)[0].queue_id == "HUNG");
        CHECK(t.records(journal)[0].action == event::Action::tempfail);
        CHECK(t.records(journal)[1].type == event::RecordType::void_record);
    }
    // So it is for the next process.
    t.io.restart();
    DiskJournal journal(t.io, t.config(), t.clock, t.disk);
    CHECK(t.records(journal)[0].action == event::Action::tempfail);
}

TEST_CASE("a disk that refuses makes mail pass and count, or wait", "[journal]")
{
    Fixture t;
    t.on_full = GENERATE(OnJournalFull::pass, OnJournalFull::tempfail);
    const bool passes = t.on_full == OnJournalFull::pass;
    DiskJournal journal(t.io, t.config(), t.clock, t.disk);
    t.disk.set_fault({.nth = 1, .error = EIO, .times = SimDisk::Fault::for_ever});
    Waiter waiter;
    for (int count = 0; count < 3; ++count)
        journal.append(message(), &waiter);
    REQUIRE(run_until(t.io, [&] { return waiter.results.size() == 3; }));
    CHECK(waiter.results == std::vector(3, passes ? Kept::lost : Kept::no));
    CHECK(journal.figures().lost.messages == (passes ? 3 : 0));
    CHECK_FALSE(journal.figures().error.empty());
    t.disk.clear_fault();
    journal.append(message("AFTER"), &waiter);
    REQUIRE(run_until(t.io, [&] { return waiter.results.size() == 4; }));
    CHECK(waiter.results.back() == Kept::yes);
    // The losses are told within a second or two.
    REQUIRE(run_until(t.io, [&] { return !passes || journal.figures().settled.messages == 3; }));
    REQUIRE(run_until(t.io, [&] { return journal.catalogue().released() == journal.last(); }));
    std::uint64_t told = 0;
    for (const auto& record : t.records(journal))
        told += record.type == event::RecordType::loss ? record.count : 0;
    CHECK(told == (passes ? 3 : 0));
}

TEST_CASE("records are kept for whoever else lives on them, and shown to the next start", "[journal]")
{
    Fixture t;
    std::uint64_t passed = 0;
    std::vector<std::uint64_t> seen;
    const DiskJournal::Consumer consumer{
        [&](std::uint64_t sequence, const event::Record&) { seen.push_back(sequence); }, [&] { return passed; }};
    const auto segments = [&] {
        const auto files = t.disk.files();
        return std::count_if(files.begin(), files.end(), [](const std::string& path) { return path.ends_with(".j1"); });
    };
    const auto keep_octets = [&](DiskJournal& journal, std::size_t octets) {
        Waiter waiter;
        std::size_t count = 0;
        for (event::Record record = message("A"); octets >= 60000; octets -= 60000) {
            record.reason.assign(60000, 'x');
            journal.append(record, &waiter);
            ++count;
            REQUIRE(run_until(t.io, [&] { return waiter.results.size() == count; }));
            journal.catalogue().acknowledge(journal.last());
        }
    };
    {
        DiskJournal journal(t.io, t.config(), t.clock, t.disk, consumer);
        keep_octets(journal, 480'000); // less than half of the journal, more than one of its files
        CHECK(segments() == 2);
    }
    t.io.restart();
    t.io.poll();
    CHECK(seen.empty());
    DiskJournal journal(t.io, t.config(), t.clock, t.disk, consumer);
    CHECK(seen == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8});
    CHECK(journal.catalogue().acknowledged() == 8); // the collector is sent none of them again
    SECTION("until it has passed them")
    {
        passed = 8;
        keep_octets(journal, 120'000);
        CHECK(segments() == 1);
    }
    SECTION("or the journal is half full")
    {
        keep_octets(journal, 4'000'000);
        CHECK(segments() <= 3);
        CHECK(journal.figures().lost == Losses());
    }
}

TEST_CASE("a record that is withdrawn tells what its message was charged", "[journal]")
{
    Fixture t;
    std::vector<event::Record> seen;
    event::Record mail = message("WITHDRAWN");
    mail.auth_id = "alice";
    mail.rcpt_unlisted = 2;
    const std::uint64_t recipients = event::recipient_count(mail);
    {
        DiskJournal journal(t.io, t.config(), t.clock, t.disk);
        Waiter waiter;
        journal.append(mail, &waiter);
        journal.withdraw(waiter, mail);
        REQUIRE(run_until(t.io, [&] { return journal.catalogue().released() == 2; }));
    }
    t.io.restart();
    const DiskJournal journal(
        t.io, t.config(), t.clock, t.disk,
        DiskJournal::Consumer{[&](std::uint64_t, const event::Record& record) { seen.push_back(record); },
                              [] { return std::uint64_t{0}; }});
    REQUIRE(seen.size() == 2);
    CHECK(seen[1].type == event::RecordType::void_record);
    CHECK(seen[1].auth_id == "alice");
    CHECK(seen[1].eom_time == mail.eom_time);
    CHECK(seen[1].recipients.size() == 0);
    CHECK(event::recipient_count(seen[1]) == recipients);
}

TEST_CASE("a single failure costs nothing, not even beside losses that are to be told of", "[journal]")
{
    for (std::uint64_t nth = 1; nth < 60; ++nth) {
        CAPTURE(nth);
        Fixture t;
        {
            DiskJournal journal(t.io, t.config(), t.clock, t.disk);
            t.disk.set_fault({.nth = 1, .error = EIO, .times = SimDisk::Fault::for_ever});
            Waiter waiter;
            journal.append(message("LOST"), &waiter);
            REQUIRE(run_until(t.io, [&] { return waiter.results.size() == 1; }));
            t.disk.clear_fault();
            journal.append(message("NOTED"), &waiter); // and with it that there is a loss
            REQUIRE(run_until(t.io, [&] { return waiter.results.size() == 2; }));
        }
        t.io.restart();
        t.io.poll();
        DiskJournal journal(t.io, t.config(), t.clock, t.disk);
        t.disk.set_fault({.nth = nth, .error = ENOSPC});
        Waiter waiter;
        for (int i = 0; i < 20; ++i)
            journal.append(message("ONE"), &waiter);
        REQUIRE(run_until(t.io, [&] { return waiter.results.size() == 20; }));
        CHECK(waiter.results == std::vector(20, Kept::yes));
    }
}

TEST_CASE("what a journal left in the loop does nothing once it is gone", "[journal]")
{
    Fixture t;
    Waiter waiter;
    {
        DiskJournal journal(t.io, t.config(), t.clock, t.disk);
        journal.append(message(), &waiter);
    }
    CHECK(t.io.poll() != 0);
    CHECK(waiter.results.empty());
}

TEST_CASE("a second process is told that the journal is in use", "[journal]")
{
    Fixture t;
    DiskJournal journal(t.io, t.config(), t.clock, t.disk);
    CHECK_THROWS_AS(DiskJournal(t.io, t.config(), t.clock, t.disk), TemporaryFailure);
}
