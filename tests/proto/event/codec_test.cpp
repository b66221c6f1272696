#include "proto/event/codec.hpp"

#include <catch2/catch.hpp>

#include "tests/support/records.hpp"

using namespace smtpauth::event;
using smtpauth::test::message;
using smtpauth::test::refusal;

namespace {

std::string encoded(const Record& record)
{
    std::string bytes;
    encode(record, bytes);
    return bytes;
}

std::string error_of(Bytes bytes)
{
    const auto decoded = decode(bytes);
    const auto* malformed = std::get_if<Malformed>(&decoded);
    return malformed ? malformed->error : "";
}

std::string text_field(std::uint8_t tag, std::string_view value)
{
    std::string bytes;
    append_text_field(bytes, tag, value);
    return bytes;
}

std::string number_field(std::uint8_t tag, std::uint64_t value)
{
    std::string bytes;
    append_number_field(bytes, tag, value);
    return bytes;
}

} // namespace

TEST_CASE("a record comes out as it went in", "[event][codec]")
{
    Record largest = message();
    largest.action = Action::warn;
    largest.rule = "limit";
    largest.client_port = 65535;
    largest.rcpt_refused = 0xffffffff;
    largest.asn = 0xffffffff;
    largest.size_bytes = 0xffffffffffffffff;
    largest.count = 0xffffffffffffffff;
    largest.rcpt_unlisted = 0xffffffff;

    Record loss;
    loss.type = RecordType::loss;
    loss.count = 0;

    const Record record = GENERATE_COPY(values({Record{}, message(), refusal(), largest, loss}));
    CHECK(std::get<Record>(decode(encoded(record))) == record);
}

TEST_CASE("the null sender and an unknown sender stay two things, as do size 0 and no size", "[event][codec]")
{
    Record record;
    CHECK_FALSE(std::get<Record>(decode(encoded(record))).sender.has_value());
    CHECK_FALSE(std::get<Record>(decode(encoded(record))).size_bytes.has_value());
    record.sender = "";
    record.size_bytes = 0;
    CHECK(std::get<Record>(decode(encoded(record))).sender == "");
    CHECK(std::get<Record>(decode(encoded(record))).size_bytes == 0);
}

TEST_CASE("any octet but NUL travels in text", "[event][codec]")
{
    Record record = message();
    record.auth_id.clear();
    for (int octet = 1; octet < 256; ++octet)
        record.auth_id.push_back(static_cast<char>(octet));
    record.recipients.append("tab\tline\n");
    CHECK(std::get<Record>(decode(encoded(record))) == record);
}

TEST_CASE("tags of a newer version are skipped", "[event][codec]")
{
    const std::string bytes = text_field(200, "what is this") + encoded(message()) + text_field(0, "");
    CHECK(std::get<Record>(decode(bytes)) == message());
}

TEST_CASE("a record that is cut anywhere between two fields is refused, or shorter, never read past its end",
          "[event][codec]")
{
    const std::string bytes = encoded(message());
    const auto size = GENERATE_COPY(range(std::size_t{0}, bytes.size()));
    CAPTURE(size);
    const auto decoded = decode(Bytes(bytes).substr(0, size));
    if (const auto* record = std::get_if<Record>(&decoded))
        CHECK_FALSE(*record == message());
    else
        CHECK_THAT(std::get<Malformed>(decoded).error, Catch::Contains("expected"));
}

TEST_CASE("what cannot be is refused with its place", "[event][codec]")
{
    CHECK(error_of("\x01\x02") == "at octet 0: 2 octets, expected a field");
    CHECK(error_of(number_field(4, 7) + std::string("\x07\xff\xff\xff\xff", 5) + "alice") ==
          "at octet 6: field 7 of 4294967295 octets, expected at most 5");
    CHECK(error_of(number_field(5, 70000)) == "field 5: 70000, expected at most 65535");
    CHECK(error_of(text_field(5, "123456789")) == "field 5: a number of 9 octets, expected at most 8");
    CHECK(error_of(text_field(11, std::string("a\0b", 3))) == "field 11: text with a NUL");
    CHECK(error_of(number_field(1, 9)) == "field 1: unknown value 9");
    CHECK(error_of(number_field(2, 6)) == "field 2: unknown value 6");
    CHECK(error_of(number_field(3, 0)) == "field 3: unknown value 0");
    CHECK(error_of(number_field(10, 253402300800000)) == "field 10: 253402300800000, expected at most 253402300799999");
}

TEST_CASE("a number may be written with more octets than it needs", "[event][codec]")
{
    CHECK(std::get<Record>(decode(text_field(5, std::string("\0\0\0\x19", 4)))).client_port == 25);
}
