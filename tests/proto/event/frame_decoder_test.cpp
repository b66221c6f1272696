#include "proto/event/frame_decoder.hpp"

#include <vector>

#include <catch2/catch.hpp>

#include "proto/event/codec.hpp"
#include "tests/support/records.hpp"

using namespace smtpauth::event;
using smtpauth::test::encoded;
using smtpauth::test::message;

namespace {

Hello hello()
{
    Hello hello;
    hello.lowest_version = 1;
    hello.highest_version = 3;
    hello.journal = 0xfedcba9876543210;
    hello.first_unacknowledged = 12;
    hello.instance = "submission";
    return hello;
}

/// A frame that owns what a RecordFrame points to.
std::string described(const Frame& frame)
{
    if (const auto* record = std::get_if<RecordFrame>(&frame))
        return "record " + std::to_string(record->sequence) + ' ' + std::string(record->record);
    if (const auto* ack = std::get_if<Ack>(&frame))
        return "ack " + std::to_string(ack->sequence);
    if (const auto* greeting = std::get_if<Hello>(&frame))
        return "hello " + greeting->instance + ' ' + std::to_string(greeting->journal);
    if (const auto* welcome = std::get_if<Welcome>(&frame))
        return "welcome " + std::to_string(welcome->version);
    if (const auto* unknown = std::get_if<UnknownFrame>(&frame))
        return "unknown " + std::to_string(unknown->kind);
    return "ping";
}

std::vector<std::string> frames_in(FrameDecoder& decoder)
{
    std::vector<std::string> found;
    while (const auto frame = decoder.next())
        found.push_back(described(*frame));
    return found;
}

std::string whole_conversation()
{
    std::string stream;
    append_frame(stream, hello());
    append_frame(stream, Welcome{1});
    append_record_frame(stream, 12, encoded(message()));
    append_frame(stream, Ack{12});
    append_frame(stream, Ping{});
    append_record_frame(stream, 13, encoded(Record{}));
    return stream;
}

std::string error_of(const std::string& bytes)
{
    FrameDecoder decoder;
    decoder.feed(bytes);
    CHECK_FALSE(decoder.next());
    CHECK(decoder.failed());
    return decoder.error();
}

std::string frame(std::uint8_t kind, std::string_view body)
{
    std::string bytes;
    append_big_endian(bytes, body.size() + 1, 4);
    bytes.push_back(static_cast<char>(kind));
    return bytes.append(body);
}

} // namespace

TEST_CASE("every frame comes out as it went in", "[event][frame]")
{
    std::string stream;
    append_frame(stream, hello());
    append_frame(stream, Welcome{2});
    append_record_frame(stream, 12, encoded(message()));
    append_frame(stream, Ack{0xffffffffffffffff});
    append_frame(stream, Ping{});

    FrameDecoder decoder;
    decoder.feed(stream);
    CHECK(decoder.next() == Frame(hello()));
    CHECK(decoder.next() == Frame(Welcome{2}));
    const auto record = std::get<RecordFrame>(decoder.next().value());
    CHECK(record.sequence == 12);
    CHECK(record.record == encoded(message()));
    CHECK(std::get<Record>(decode(record.record)) == message());
    CHECK(decoder.next() == Frame(Ack{0xffffffffffffffff}));
    CHECK(decoder.next() == Frame(Ping{}));
    CHECK_FALSE(decoder.next());
    CHECK_FALSE(decoder.failed());
}

TEST_CASE("a frame that came whole is not copied", "[event][frame]")
{
    std::string stream;
    append_record_frame(stream, 1, encoded(message()));
    FrameDecoder decoder;
    decoder.feed(stream);
    const auto record = std::get<RecordFrame>(decoder.next().value());
    CHECK(record.record.data() == stream.data() + 13);
}

TEST_CASE("frames come out whole, wherever the stream was cut", "[event][frame]")
{
    const std::string stream = whole_conversation();
    FrameDecoder whole;
    whole.feed(stream);
    const auto expected = frames_in(whole);
    REQUIRE(expected.size() == 6);

    const auto cut = GENERATE_COPY(range(std::size_t{0}, stream.size() + 1));
    CAPTURE(cut);
    FrameDecoder decoder;
    decoder.feed(Bytes(stream).substr(0, cut));
    auto found = frames_in(decoder);
    decoder.feed(Bytes(stream).substr(cut));
    for (auto& more : frames_in(decoder))
        found.push_back(std::move(more));
    CHECK(found == expected);
}

TEST_CASE("frames come out whole, octet by octet", "[event][frame]")
{
    const std::string stream = whole_conversation();
    FrameDecoder decoder;
    std::size_t count = 0;
    for (const char octet : stream) {
        decoder.feed(Bytes(&octet, 1));
        count += frames_in(decoder).size();
    }
    CHECK(count == 6);
    CHECK_FALSE(decoder.failed());
}

TEST_CASE("a length that cannot be is refused before anything waits for it", "[event][frame]")
{
    CHECK(error_of(std::string("\0\0\0\0", 4)) == "event frame length 0, expected 1 to 8388608");
    CHECK(error_of("\xff\xff\xff\xff") == "event frame length 4294967295, expected 1 to 8388608");
    CHECK(error_of(std::string("\0\x80\0\x01", 4)) == "event frame length 8388609, expected 1 to 8388608");
}

TEST_CASE("an announced length takes no memory", "[event][frame]")
{
    FrameDecoder decoder;
    decoder.feed(Bytes("\0\x7f\xff\xff\x03", 5));
    CHECK_FALSE(decoder.next());
    CHECK_FALSE(decoder.failed());
    CHECK(decoder.held_bytes() < 100);
}

TEST_CASE("a decoder that failed stays failed", "[event][frame]")
{
    FrameDecoder decoder;
    decoder.feed(Bytes("\0\0\0\0", 4));
    CHECK_FALSE(decoder.next());
    decoder.feed(whole_conversation());
    CHECK_FALSE(decoder.next());
    CHECK(decoder.failed());
}

TEST_CASE("a body that is not the kind's is refused", "[event][frame]")
{
    CHECK(error_of(frame(3, "1234567")) == "RECORD: 7 octets, expected a sequence number of 8");
    CHECK(error_of(frame(4, "123456789")) == "ACK: 9 octets, expected a sequence number of 8");
    CHECK(error_of(frame(5, "x")) == "PING: 1 octets, expected none");
    CHECK(error_of(frame(1, "")) == "HELLO: versions 0 to 1, expected a range from 1");
    CHECK(error_of(frame(2, "\x01")) == "WELCOME: at octet 0: 1 octets, expected a field");

    Hello named = hello();
    named.instance.assign(256, 'x');
    std::string bytes;
    append_frame(bytes, named);
    CHECK(error_of(bytes) == "HELLO: instance name of 256 octets, expected at most 255");
}

TEST_CASE("kinds of a newer version, and those that are reserved, are handed over as unknown", "[event][frame]")
{
    const std::uint8_t kind = GENERATE(std::uint8_t{0}, std::uint8_t{6}, std::uint8_t{7}, std::uint8_t{200});
    FrameDecoder decoder;
    const std::string bytes = frame(kind, "whatever");
    decoder.feed(bytes);
    CHECK(decoder.next() == Frame(UnknownFrame{kind}));
}

TEST_CASE("the highest version that both speak is taken", "[event][frame]")
{
    Hello offer;
    CHECK(common_version(offer) == 1);
    offer.highest_version = 9;
    CHECK(common_version(offer) == highest_version);
    offer.lowest_version = highest_version + 1;
    CHECK_FALSE(common_version(offer));
}
