#include "proto/event/record_id.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth::event;

TEST_CASE("a record id reads as it is written", "[event][id]")
{
    const RecordId id{0x00ab, 42};
    CHECK(to_string(id) == "00000000000000ab-42");
    CHECK(parse_record_id("00000000000000ab-42") == id);
    CHECK(parse_record_id("ffffffffffffffff-18446744073709551615") == RecordId{~0ULL, ~0ULL});

    for (const char* text : {"", "00000000000000ab", "00000000000000ab-", "00000000000000ab-0", "ab-42", "-42",
                             "00000000000000ab-42 ", "00000000000000ag-42", "00000000000000ab-18446744073709551616"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_record_id(text));
    }
}
