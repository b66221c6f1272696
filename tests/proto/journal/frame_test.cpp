#include "proto/journal/frame.hpp"

#include <random>

#include <catch2/catch.hpp>

using namespace smtpauth::journal;

namespace {

constexpr std::uint64_t id = 0x5b36c2cb32b94b2d;

void append(std::string& out, std::uint64_t sequence, Bytes record, std::uint64_t synced = 0)
{
    const std::size_t begin = begin_frame(out);
    out.append(record);
    end_frame(out, begin, id, sequence, synced);
}

std::string record_of(std::uint64_t sequence)
{
    return "record " + std::to_string(sequence) + std::string(sequence % 50, 'x');
}

/// Frames 1 to count, each written after the one before it was synced.
std::string frames(std::uint64_t count)
{
    std::string out;
    for (std::uint64_t sequence = 1; sequence <= count; ++sequence)
        append(out, sequence, record_of(sequence), sequence - 1);
    return out;
}

struct Seen {
    std::vector<std::uint64_t> sequences;
    Scan scan;
};

/// Fails on a record that was never written.
Seen scan_all(Bytes file, std::uint64_t first = 1)
{
    Seen seen;
    seen.scan = scan(file, id, first, [&seen](const Frame& frame) {
        REQUIRE(frame.record == record_of(frame.sequence));
        seen.sequences.push_back(frame.sequence);
    });
    return seen;
}

} // namespace

TEST_CASE("a frame comes back as it was written")
{
    std::string out = "before";
    append(out, 7, "the record", 5);
    const auto frame = read_frame(Bytes(out).substr(6), id);
    REQUIRE(frame);
    CHECK(frame->sequence == 7);
    CHECK(frame->synced == 5);
    CHECK(frame->record == "the record");
    CHECK(frame->size() == out.size() - 6);
}

TEST_CASE("no frame: another journal's, a cut one, zeros, nothing")
{
    std::string out;
    append(out, 7, "the record");
    CHECK_FALSE(read_frame(out, id + 1));
    for (std::size_t size = 0; size < out.size(); ++size)
        CHECK_FALSE(read_frame(Bytes(out).substr(0, size), id));
    CHECK_FALSE(read_frame(std::string(100, '\0'), id));
}

TEST_CASE("a preallocated file ends where its zeros begin")
{
    std::string file = frames(20);
    const std::size_t used = file.size();
    file.append(5000, '\0');
    const Seen seen = scan_all(file);
    CHECK(seen.sequences.size() == 20);
    CHECK(seen.scan.used == used);
    CHECK(seen.scan.first == 1);
    CHECK(seen.scan.last == 20);
    CHECK(seen.scan.damages.empty());
    CHECK(seen.scan.unfinished == 0);
}

TEST_CASE("a file cut at any octet keeps every whole record")
{
    const std::string file = frames(5);
    const std::string whole = frames(4);
    for (std::size_t size = whole.size(); size < file.size(); ++size) {
        const Seen seen = scan_all(Bytes(file).substr(0, size));
        CHECK(seen.scan.last == 4);
        CHECK(seen.scan.damages.empty());
        CHECK(seen.scan.unfinished <= size - whole.size());
    }
}

TEST_CASE("one flipped bit anywhere costs at most the record that it hits, and is named")
{
    const std::string file = frames(60);
    std::mt19937 random(20261123);
    for (int round = 0; round < 2000; ++round) {
        std::string damaged = file;
        const std::size_t at = random() % file.size();
        damaged[at] = static_cast<char>(damaged[at] ^ 1 << random() % 8);
        const Seen seen = scan_all(damaged);
        REQUIRE(seen.sequences.size() == 59);
        if (seen.scan.last == 59) {
            CHECK(seen.scan.unfinished > 0);
        } else {
            REQUIRE(seen.scan.damages.size() == 1);
            const Damage& damage = seen.scan.damages.front();
            CHECK(damage.first == damage.last);
            CHECK(damage.was_synced);
            CHECK(damage.offset <= at);
            CHECK(at < damage.offset + damage.size);
        }
    }
}

TEST_CASE("a hole in what was never synced is no loss")
{
    std::string file;
    for (std::uint64_t sequence = 1; sequence <= 9; ++sequence)
        append(file, sequence, record_of(sequence), 3);
    std::string two;
    append(two, 1, record_of(1));
    append(two, 2, record_of(2));
    file.replace(two.size() * 2, 40, 40, '\0');
    const Seen seen = scan_all(file);
    REQUIRE(seen.scan.damages.size() == 1);
    CHECK(seen.scan.damages.front().first > 3);
    CHECK_FALSE(seen.scan.damages.front().was_synced);
}

TEST_CASE("a record may end in zeros, as the file does", "[journal]")
{
    std::string file;
    append(file, 1, std::string("x\0\0\0", 4));
    const std::size_t used = file.size();
    file.append(1000, '\0');
    const Scan seen = scan(file, id, 1, {});
    CHECK(seen.used == used);
    CHECK(seen.last == 1);
    CHECK(seen.unfinished == 0);
}
