#include "proto/milter/packet_decoder.hpp"

#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/packets.hpp"

using namespace smtpauth::milter;
using namespace smtpauth::test;
using namespace std::string_literals;

namespace {

/// What a decoder gave out, copied: packets point into memory that goes.
using Packets = std::vector<std::pair<char, std::string>>;

void take_all(PacketDecoder& decoder, Packets& packets)
{
    while (const auto packet = decoder.next())
        packets.emplace_back(packet->command, packet->data);
}

/// Feeds bytes from memory of their own that is gone afterwards, so that AddressSanitizer sees a decoder that still
/// looks at it.
void feed_and_free(PacketDecoder& decoder, std::string_view bytes, Packets& packets)
{
    const auto copy = std::make_unique<char[]>(bytes.size());
    bytes.copy(copy.get(), bytes.size());
    decoder.feed({copy.get(), bytes.size()});
    take_all(decoder, packets);
}

const std::string stream = packet('H', strings({"mail.example.org"})) + packet('A') + packet('B', "Hi\r\n") +
                           packet('M', strings({"<a@example.org>", "SIZE=99"})) + packet('Q');

const Packets stream_packets{{'H', strings({"mail.example.org"})},
                             {'A', ""},
                             {'B', "Hi\r\n"},
                             {'M', strings({"<a@example.org>", "SIZE=99"})},
                             {'Q', ""}};

} // namespace

TEST_CASE("packets come out whole, wherever the stream was cut", "[milter][decoder]")
{
    const auto cut = GENERATE_COPY(range(std::size_t{0}, stream.size() + 1));
    CAPTURE(cut);

    PacketDecoder decoder;
    Packets packets;
    feed_and_free(decoder, std::string_view(stream).substr(0, cut), packets);
    feed_and_free(decoder, std::string_view(stream).substr(cut), packets);

    CHECK(packets == stream_packets);
    CHECK_FALSE(decoder.failed());
    CHECK_FALSE(decoder.in_packet());
}

TEST_CASE("packets come out whole when bytes come in small pieces", "[milter][decoder]")
{
    const auto piece = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7});
    CAPTURE(piece);

    PacketDecoder decoder;
    Packets packets;
    for (std::size_t at = 0; at < stream.size(); at += piece)
        feed_and_free(decoder, std::string_view(stream).substr(at, piece), packets);

    CHECK(packets == stream_packets);
}

TEST_CASE("feeding twice before asking loses nothing", "[milter][decoder]")
{
    PacketDecoder decoder;
    const std::string first = stream.substr(0, 30);
    const std::string second = stream.substr(30);
    decoder.feed(first);
    decoder.feed(second);
    Packets packets;
    take_all(decoder, packets);
    CHECK(packets == stream_packets);
}

TEST_CASE("feeding nothing changes nothing", "[milter][decoder]")
{
    PacketDecoder decoder;
    Packets packets;
    feed_and_free(decoder, "", packets);
    feed_and_free(decoder, stream.substr(0, 3), packets);
    feed_and_free(decoder, "", packets);
    CHECK(packets.empty());
    CHECK(decoder.in_packet());
    feed_and_free(decoder, std::string_view(stream).substr(3), packets);
    CHECK(packets == stream_packets);
}

TEST_CASE("what was kept between two packets does not need the fed bytes", "[milter][decoder]")
{
    PacketDecoder decoder;
    {
        const std::string fed = stream;
        decoder.feed(fed);
        REQUIRE(decoder.next()->command == 'H');
        decoder.keep_rest();
    }
    Packets packets;
    take_all(decoder, packets);
    CHECK(packets == Packets(stream_packets.begin() + 1, stream_packets.end()));

    SECTION("and keeping twice, or keeping nothing, does no harm")
    {
        decoder.keep_rest();
        decoder.keep_rest();
        feed_and_free(decoder, packet('Q'), packets);
        CHECK(packets.back().first == 'Q');
    }
}

TEST_CASE("a length that cannot be is judged before its data comes", "[milter][decoder]")
{
    const auto [length, found] = GENERATE(table<std::uint32_t, std::string>({
        {0U, "0"},
        {1024U * 1024 + 1, "1048577"},
        {0x7fffffffU, "2147483647"},
        {0x80000000U, "2147483648"},
        {0xffffffffU, "4294967295"},
    }));

    PacketDecoder decoder;
    Packets packets;
    feed_and_free(decoder, packet('A') + u32(length), packets);

    CHECK(packets == Packets{{'A', ""}});
    CHECK(decoder.failed());
    CHECK(decoder.error() == "milter packet length " + found + ", expected 1 to 1048576");
    CHECK(decoder.held_bytes() < 64);

    SECTION("and nothing comes out any more")
    {
        feed_and_free(decoder, packet('A') + packet('Q'), packets);
        CHECK(packets.size() == 1);
        CHECK(decoder.failed());
        CHECK(decoder.held_bytes() < 64);
    }
}

TEST_CASE("the longest packet that is allowed is taken, and no longer one", "[milter][decoder]")
{
    PacketDecoder decoder(10);
    Packets packets;
    feed_and_free(decoder, packet('B', "123456789"), packets);
    CHECK(packets == Packets{{'B', "123456789"}});
    feed_and_free(decoder, packet('B', "1234567890"), packets);
    CHECK(decoder.error() == "milter packet length 11, expected 1 to 10");
}

TEST_CASE("memory grows with what came, not with what was announced, and is given back", "[milter][decoder]")
{
    PacketDecoder decoder;
    Packets packets;
    feed_and_free(decoder, u32(1024 * 1024) + "B", packets);
    CHECK(decoder.held_bytes() < 64);

    feed_and_free(decoder, std::string(1024 * 1024 - 1, 'x'), packets);
    REQUIRE(packets.size() == 1);
    CHECK(packets[0].second.size() == 1024 * 1024 - 1);
    CHECK(decoder.held_bytes() <= 4096);
}

TEST_CASE("a stream that ends inside a packet says so", "[milter][decoder]")
{
    PacketDecoder decoder;
    Packets packets;
    feed_and_free(decoder, packet('A') + "\0\0"s, packets);
    CHECK(packets.size() == 1);
    CHECK(decoder.in_packet());
}
