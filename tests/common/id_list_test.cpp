#include "common/id_list.hpp"

#include <catch2/catch.hpp>

using namespace smtpauth;

namespace {

IdList list(std::string_view text, const IdNormalizer& normalizer = {})
{
    return IdList::parse(text, normalizer);
}

} // namespace

TEST_CASE("a list has an id a line; comments, blank lines and blanks around an id mean nothing", "[common][id_list]")
{
    const IdList ids = list("# accounts\n\nspammer\r\n  \t mallory \n#bob\n \t\n  # carol\nlast");
    CHECK(ids.size() == 3);
    CHECK(ids.contains("spammer"));
    CHECK(ids.contains("mallory"));
    CHECK(ids.contains("last"));
    CHECK_FALSE(ids.contains("bob"));
    CHECK_FALSE(ids.contains("carol"));
    CHECK_FALSE(ids.contains("# carol"));
}

TEST_CASE("an id may hold blanks, '#' and any other byte but the end of a line", "[common][id_list]")
{
    const IdList ids = list("john doe\na#b\n\xff\xfe\n");
    CHECK(ids.contains("john doe"));
    CHECK(ids.contains("a#b"));
    CHECK(ids.contains("\xff\xfe"));
}

TEST_CASE("a byte order mark is no part of the first id", "[common][id_list]")
{
    CHECK(list("\xef\xbb\xbfspammer\n").contains("spammer"));
}

TEST_CASE("only whole ids match", "[common][id_list]")
{
    const IdList ids = list("alpha\nbeta\n");
    CHECK_FALSE(ids.contains(""));
    CHECK_FALSE(ids.contains("alph"));
    CHECK_FALSE(ids.contains("alphab"));
    CHECK_FALSE(ids.contains("alpha\nbeta"));
    CHECK_FALSE(ids.contains("alpha\n"));
    CHECK_FALSE(IdList().contains("alpha"));
    CHECK_FALSE(list("# nothing\n").contains("# nothing"));
}

TEST_CASE("an id that stands twice counts once, also in other case", "[common][id_list]")
{
    CHECK(list("Spammer\nspammer\nSPAMMER\n").size() == 1);
    CHECK(list("Spammer\nspammer\n", {.lowercase = false}).size() == 2);
}

TEST_CASE("ids are compared as the settings say", "[common][id_list]")
{
    CHECK(IdNormalizer{}("Dave+Tag@Example.NET") == "dave+tag@example.net");
    CHECK(IdNormalizer{}("J\xc3\x84RG") == "j\xc3\x84rg");
    CHECK(IdNormalizer{.lowercase = false}("Dave") == "Dave");
    const IdNormalizer strip{.lowercase = true, .strip_domain = true};
    CHECK(strip("Dave@Example.net") == "dave");
    CHECK(strip("a@b@c") == "a@b");
    CHECK(strip("@example.net") == "@example.net");
}

TEST_CASE("a million ids take at most 40 MiB", "[common][id_list]")
{
    std::string text;
    for (int i = 0; i < 1'000'000; ++i)
        text += "user" + std::to_string(i) + "@example.org\n";
    const IdList ids = list(text);
    CHECK(ids.size() == 1'000'000);
    CHECK(ids.contains("user999999@example.org"));
    CHECK_FALSE(ids.contains("user1000000@example.org"));
    CHECK(ids.size_bytes() <= std::size_t{40} * 1024 * 1024);
}
