#include "proto/journal/crc32c.hpp"

#include <string>

#include <catch2/catch.hpp>

using namespace smtpauth::journal;

TEST_CASE("CRC32C of the examples of RFC 3720, appendix B.4")
{
    std::string rising(32, '\0');
    for (std::size_t at = 0; at < rising.size(); ++at)
        rising[at] = static_cast<char>(at);
    for (const auto sum : {crc32c, crc32c_portable}) {
        CHECK(sum("", 0) == 0);
        CHECK(sum(std::string(32, '\0'), 0) == 0x8a9136aa);
        CHECK(sum(std::string(32, '\xff'), 0) == 0x62a8ab43);
        CHECK(sum(rising, 0) == 0x46dd794e);
        CHECK(sum("123456789", 0) == 0xe3069283);
        CHECK(sum("56789", sum("1234", 0)) == 0xe3069283);
    }
}

TEST_CASE("with and without SSE4.2 every length has the same sum")
{
    std::string text;
    for (int length = 0; length < 70; ++length) {
        CHECK(crc32c(text) == crc32c_portable(text));
        text.push_back(static_cast<char>(length * 37));
    }
}
