#include "ctl/columns.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;

TEST_CASE("columns are as wide as what stands in them", "[ctl][columns]")
{
    Columns columns({"account", ">sent", "last"});
    CHECK(columns.empty());
    columns.add({"älice", "1000", "today"});
    columns.add({"-", "7", ""});
    CHECK(columns.to_text(2) == "  account  sent  last\n"
                                "  älice    1000  today\n"
                                "  -           7\n");
}
