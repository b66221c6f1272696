#include "filter/journal/memory_journal.hpp"

#include <vector>

#include <catch2/catch.hpp>

#include "proto/event/codec.hpp"
#include "proto/event/frame_decoder.hpp"
#include "tests/support/records.hpp"

using namespace smtpauth;
using test::message;

namespace {

constexpr MemoryJournal::Identity identity{0xa, 0xb};

/// Whoever waits here was told to: this journal never lets anybody wait.
class NobodyWaits final : public CommitWaiter {
public:
    void committed() override { FAIL("nobody waits for memory"); }
};

void append(MemoryJournal& journal, const event::Record& record = message())
{
    NobodyWaits waiter;
    CHECK(journal.append(record, waiter));
}

struct Sent {
    std::uint64_t sequence;
    event::Record record;
};

/// What a sender finds from this position on.
std::vector<Sent> read_from(const MemoryJournal& journal, std::uint64_t position)
{
    std::vector<Sent> found;
    event::FrameDecoder decoder;
    for (auto frames = journal.frames_from(position); !frames.empty(); frames = journal.frames_from(position)) {
        decoder.feed(frames);
        while (const auto frame = decoder.next()) {
            const auto& record = std::get<event::RecordFrame>(*frame);
            found.push_back({record.sequence, std::get<event::Record>(event::decode(record.record))});
        }
        position += frames.size();
    }
    CHECK(position == journal.end_position());
    return found;
}

std::size_t frame_size()
{
    std::string frame;
    return append_record_frame(frame, 1, message());
}

} // namespace

TEST_CASE("records are numbered from 1 and come out in their order", "[journal]")
{
    MemoryJournal journal(1 << 20, identity);
    CHECK(journal.first_unacknowledged() == 1);
    CHECK(journal.last() == 0);
    append(journal, message("one"));
    append(journal, message("two"));
    const auto sent = read_from(journal, journal.position_of(1));
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].sequence == 1);
    CHECK(sent[0].record == message("one"));
    CHECK(sent[1].sequence == 2);
    CHECK(sent[1].record == message("two"));
    CHECK(journal.waiting() == 2);
}

TEST_CASE("from any record on the rest is found, over many blocks", "[journal]")
{
    MemoryJournal journal(1 << 20, identity);
    constexpr std::uint64_t count = 2000;
    for (std::uint64_t at = 0; at < count; ++at)
        append(journal);
    for (const std::uint64_t first : {1U, 2U, 317U, 318U, 1999U, 2000U}) {
        CAPTURE(first);
        const auto sent = read_from(journal, journal.position_of(first));
        REQUIRE(sent.size() == count - first + 1);
        CHECK(sent.front().sequence == first);
        CHECK(sent.back().sequence == count);
    }
    CHECK(journal.position_of(count + 1) == journal.end_position());
    CHECK(journal.frames_from(journal.end_position()).empty());
}

TEST_CASE("what is acknowledged is forgotten, the rest keeps its place", "[journal]")
{
    MemoryJournal journal(1 << 20, identity);
    for (int at = 0; at < 2000; ++at)
        append(journal);
    const auto position = journal.position_of(1500);
    CHECK(journal.trim(1499));
    CHECK(journal.first_unacknowledged() == 1500);
    CHECK(journal.position_of(1500) == position);
    CHECK(journal.held_bytes() < 1000 * frame_size());
    CHECK(read_from(journal, position).size() == 501);

    // An older ACK changes nothing, one of the future is none.
    CHECK(journal.trim(3));
    CHECK(journal.first_unacknowledged() == 1500);
    CHECK_FALSE(journal.trim(2001));

    CHECK(journal.trim(2000));
    CHECK(journal.held_bytes() == 0);
    CHECK(journal.waiting() == 0);
    append(journal);
    CHECK(read_from(journal, journal.position_of(2001)).size() == 1);
}

TEST_CASE("records without room are counted, and the count is told as soon as there is room", "[journal]")
{
    MemoryJournal journal(4 * frame_size() + frame_size() / 2, identity);
    for (int at = 0; at < 7; ++at)
        append(journal);
    CHECK(journal.last() == 4);
    CHECK(journal.counters().lost == 3);

    CHECK(journal.trim(4));
    const auto sent = read_from(journal, journal.position_of(5));
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].sequence == 5);
    CHECK(sent[0].record.type == event::RecordType::loss);
    CHECK(sent[0].record.count == 3);
    CHECK_THAT(sent[0].record.reason, Catch::StartsWith("3 records lost"));

    append(journal);
    CHECK(journal.last() == 6);
    CHECK(journal.counters().appended == 6);
}

TEST_CASE("a loss is told before any later record", "[journal]")
{
    MemoryJournal journal(3 * frame_size(), identity);
    for (int at = 0; at < 3; ++at)
        append(journal);
    auto large = message();
    large.reason.assign(2 * frame_size(), 'x');
    append(journal, large);
    append(journal);
    CHECK(journal.counters().lost == 2);
    CHECK(journal.trim(3));
    append(journal);
    const auto sent = read_from(journal, journal.position_of(4));
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].record.count == 2);
    CHECK(sent[1].record == message());
}

TEST_CASE("a record that no frame can hold is a loss, not a stop", "[journal]")
{
    MemoryJournal journal(64 << 20, identity);
    auto monster = message();
    monster.reason.assign(event::max_frame_length, 'x');
    append(journal, monster);
    append(journal);
    const auto sent = read_from(journal, journal.position_of(1));
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].record.type == event::RecordType::loss);
    CHECK(sent[1].record == message());
}

TEST_CASE("a record larger than a block is kept whole", "[journal]")
{
    MemoryJournal journal(1 << 20, identity);
    auto large = message();
    large.reason.assign(300000, 'x');
    append(journal);
    append(journal, large);
    append(journal);
    const auto sent = read_from(journal, journal.position_of(1));
    REQUIRE(sent.size() == 3);
    CHECK(sent[1].record == large);
}

TEST_CASE("the sender is told of each record", "[journal]")
{
    MemoryJournal journal(1 << 20, identity);
    int told = 0;
    journal.on_append([&told] { ++told; });
    append(journal);
    append(journal);
    CHECK(told == 2);
}

TEST_CASE("every start has a journal of its own", "[journal]")
{
    const MemoryJournal one(1);
    const MemoryJournal other(1);
    CHECK(one.identity().journal != other.identity().journal);
    CHECK(one.identity().epoch != other.identity().epoch);
}
