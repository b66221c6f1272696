#include "common/json.hpp"

#include <string>

#include <catch2/catch.hpp>

using namespace smtpauth;

namespace {

std::string text(std::string_view bytes)
{
    const json::string result = json_text(bytes);
    return {result.data(), result.size()};
}

} // namespace

TEST_CASE("UTF-8 stands in JSON as it is", "[common][json]")
{
    CHECK(text("") == "");
    CHECK(text("alice@example.org") == "alice@example.org");
    CHECK(text("z\xc3\xbc \xe6\x97\xa5 \xf0\x9f\x93\xa7") == "z\xc3\xbc \xe6\x97\xa5 \xf0\x9f\x93\xa7");
}

TEST_CASE("octets that are no UTF-8 are written out", "[common][json]")
{
    CHECK(text("a\xff z") == "a\\xff z");
    CHECK(text("\xc3") == "\\xc3");
    CHECK(text("\xe6\x97") == "\\xe6\\x97");
    CHECK(text("\xc0\xaf") == "\\xc0\\xaf");                   // an overlong slash
    CHECK(text("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");          // and a longer one
    CHECK(text("\xed\xa0\x80") == "\\xed\\xa0\\x80");          // a surrogate
    CHECK(text("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80"); // beyond Unicode
}

TEST_CASE("control bytes are JSON's own to escape", "[common][json]")
{
    CHECK(json::serialize(json::object{{"x", json_text(std::string_view("a\n\"\0\x1b", 5))}}) ==
          R"({"x":"a\n\"\u0000\u001b"})");
}
