#include "proto/ltsv/ltsv.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth::ltsv;
using namespace std::string_literals;

namespace {

std::string escaped(std::string_view value)
{
    std::string out;
    append_escaped(out, value);
    return out;
}

} // namespace

TEST_CASE("a line is its fields between tabs, in their order", "[ltsv]")
{
    std::string out = "before\n";
    LineWriter line(out);
    line.field("recipient", "a@example.org");
    line.field("recipient", "b@example.org");
    line.field("empty", "");
    line.end();
    CHECK(out == "before\nrecipient:a@example.org\trecipient:b@example.org\tempty:\n");
}

TEST_CASE("no value can forge a field or a line", "[ltsv]")
{
    CHECK(escaped("a\tid:7") == R"(a\tid:7)");
    CHECK(escaped("a\nb\rc") == R"(a\nb\rc)");
    CHECK(escaped(R"(a\tb)") == R"(a\\tb)");
    CHECK(escaped("\0\x01\x1b[31m\x7f"s) == R"(\x00\x01\x1b[31m\x7f)");
}

TEST_CASE("valid UTF-8 stays as it is", "[ltsv]")
{
    for (const char* text : {"plain", "%n%s", "Grüße", "日本語", "\U0001F600", "\u0080", "\u07ff", "\u0800", "\ud7ff",
                             "\ue000", "\uffff", "\U00010000", "\U0010ffff"}) {
        CAPTURE(text);
        CHECK(escaped(text) == text);
    }
}

TEST_CASE("what is not UTF-8 is written octet by octet", "[ltsv]")
{
    CHECK(escaped("\xff") == R"(\xff)");
    CHECK(escaped("\x80") == R"(\x80)");
    CHECK(escaped("\xc0\xaf") == R"(\xc0\xaf)");                 // overlong
    CHECK(escaped("\xe0\x9f\xbf") == R"(\xe0\x9f\xbf)");         // overlong
    CHECK(escaped("\xed\xa0\x80") == R"(\xed\xa0\x80)");         // surrogate
    CHECK(escaped("\xf0\x8f\xbf\xbf") == R"(\xf0\x8f\xbf\xbf)"); // overlong
    CHECK(escaped("\xf4\x90\x80\x80") == R"(\xf4\x90\x80\x80)"); // above U+10FFFF
    CHECK(escaped("a\xe3\x81") == R"(a\xe3\x81)");               // cut
    CHECK(escaped("\xe3\x81\xe3\x81\x82") == "\\xe3\\x81\u3042");
}

TEST_CASE("every value comes out as it went in", "[ltsv]")
{
    std::string every_octet;
    for (int octet = 0; octet < 256; ++octet)
        every_octet.push_back(static_cast<char>(octet));
    for (const std::string& value : {""s, "\\"s, "\\x41"s, "a:b"s, every_octet, "日本\t語\xff"s}) {
        CAPTURE(value);
        CHECK(unescape(escaped(value)) == value);
    }
}

TEST_CASE("a backslash that begins no escape is refused", "[ltsv]")
{
    for (const char* text : {"\\", "a\\", "\\q", "\\x", "\\x4", "\\xg0", "\\x0g"}) {
        CAPTURE(text);
        CHECK_FALSE(unescape(text));
    }
    CHECK(unescape(R"(\x4A\x4a)") == "JJ");
}

TEST_CASE("a line reads as it was written, labels repeated", "[ltsv]")
{
    const Fields fields{{"recipient", "a\tb"}, {"recipient", ""}, {"size", "12"}};
    std::string out;
    LineWriter line(out);
    for (const auto& [label, value] : fields)
        line.field(label, value);
    line.end();
    CHECK(std::get<Fields>(read_line(out)) == fields);
    CHECK(std::get<Fields>(read_line(std::string_view(out).substr(0, out.size() - 1))) == fields);
    CHECK(std::get<Fields>(read_line("")).empty());
    CHECK(std::get<Fields>(read_line("\n")).empty());
}

TEST_CASE("what is no line of ours is refused with its place", "[ltsv]")
{
    const auto error_of = [](std::string_view line) { return std::get<Malformed>(read_line(line)).error; };
    CHECK(error_of("no label") == "at octet 0: a field without a label, expected LABEL:VALUE");
    CHECK(error_of("a:1\t:2") == "at octet 4: a field without a label, expected LABEL:VALUE");
    CHECK(error_of("a:1\tb c:2") == "at octet 4: a field without a label, expected LABEL:VALUE");
    CHECK(error_of("a:1\t") == "at octet 4: a field without a label, expected LABEL:VALUE");
    CHECK_THAT(error_of("a:\\q"), Catch::StartsWith("a: a backslash that begins no escape"));
}
