#include "common/config.hpp"

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

namespace {

enum class Colour { red, green };

/// The errors after one getter was asked for key "x" of table "t".
template <class Read>
Strings errors_of(std::string_view value, Read read)
{
    ConfigFile file = ConfigFile::parse("[t]\nx = " + std::string(value) + "\n", "f");
    ConfigTable table = file.table("t");
    read(table);
    return file.errors();
}

Strings one(const std::string& message)
{
    return {"f:2: t.x" + message};
}

} // namespace

TEST_CASE("what is absent has its default, and that is no mistake", "[common][config]")
{
    ConfigFile file = ConfigFile::parse("", "f");
    ConfigTable table = file.table("t");
    CHECK(table.text("a", "default") == "default");
    CHECK(table.flag("b", true));
    CHECK(table.number("c", 7, 1, 10) == 7);
    CHECK(table.duration("d", 5s, 1s, 10s) == 5s);
    CHECK(table.bytes("e", 4096, 1, 8192) == 4096);
    CHECK(table.mode("f", 0660) == 0660);
    CHECK(table.choice<Colour>("g", Colour::green, {{"red", Colour::red}}) == Colour::green);
    CHECK(table.text_list("h", {"a"}) == Strings{"a"});
    CHECK(table.path("i", "/x") == "/x");
    CHECK_FALSE(table.has("a"));
    CHECK(file.errors().empty());
}

TEST_CASE("what stands in the file is what the getters give", "[common][config]")
{
    ConfigFile file = ConfigFile::parse(R"([t]
a = "text"
b = false
c = 3
d = "250ms"
e = "1KiB"
e2 = 77
f = "0600"
g = "red"
h = ["a", "b"]
h2 = "a"
i = ""
[t.inner]
k = 1
)",
                                        "f");
    ConfigTable table = file.table("t");
    CHECK(table.has("a"));
    CHECK(table.text("a", "") == "text");
    CHECK_FALSE(table.flag("b", true));
    CHECK(table.number("c", 7, 1, 10) == 3);
    CHECK(table.duration("d", 5s, 0s, 10s) == 250ms);
    CHECK(table.bytes("e", 0, 1, 8192) == 1024);
    CHECK(table.bytes("e2", 0, 1, 8192) == 77);
    CHECK(table.mode("f", 0660) == 0600);
    CHECK(table.choice<Colour>("g", Colour::green, {{"red", Colour::red}}) == Colour::red);
    CHECK(table.text_list("h", {}) == Strings{"a", "b"});
    CHECK(table.text_list("h2", {}) == Strings{"a"});
    CHECK(table.path("i", "/x", Empty::allowed).empty());
    CHECK(table.table("inner").number("k", 0, 0, 9) == 1);
    CHECK(file.errors().empty());
}

TEST_CASE("a value of the wrong type is named with its place and what was expected", "[common][config]")
{
    CHECK(errors_of("1", [](auto& t) { t.text("x", ""); }) == one(" = 1: expected a string"));
    CHECK(errors_of("1", [](auto& t) { t.flag("x", true); }) == one(" = 1: expected true or false"));
    CHECK(errors_of("\"5\"", [](auto& t) { t.number("x", 1, 1, 9); }) ==
          one(" = \"5\": expected a whole number from 1 to 9"));
    CHECK(errors_of("60", [](auto& t) { t.duration("x", 1s, 1s, 9s); }) ==
          one(" = 60: expected a duration such as \"60s\", \"5m\", \"4h\""));
    CHECK(errors_of("true", [](auto& t) { t.bytes("x", 1, 1, 9); }) ==
          one(" = true: expected a size such as \"4KiB\", \"64MiB\", \"1GiB\""));
    CHECK(errors_of("432", [](auto& t) { t.mode("x", 0); }) == one(" = 432: expected an octal mode such as \"0660\""));
    CHECK(errors_of("[]", [](auto& t) { t.table("x"); }) == one(" = []: expected a table"));
    CHECK(errors_of("{a = 1}", [](auto& t) { t.text("x", ""); }) == one(" = {...}: expected a string"));
    CHECK(errors_of("1.5", [](auto& t) { t.number("x", 1, 1, 9); }) ==
          one(" = 1.5: expected a whole number from 1 to 9"));
    CHECK(errors_of("2024-02-29", [](auto& t) { t.text("x", ""); }) == one(" = 2024-02-29: expected a string"));
}

TEST_CASE("a value out of range is named with the range", "[common][config]")
{
    CHECK(errors_of("0", [](auto& t) { t.number("x", 1, 1, 9); }) == one(" = 0: expected a whole number from 1 to 9"));
    CHECK(errors_of("\"10s\"", [](auto& t) { t.duration("x", 1s, 1s, 9s); }) ==
          one(" = \"10s\": expected a duration from \"1s\" to \"9s\""));
    CHECK(errors_of("\"1MiB\"", [](auto& t) { t.bytes("x", 1, 1, 4096); }) ==
          one(" = \"1MiB\": expected a size from \"1\" to \"4KiB\""));
    CHECK(errors_of("\"1777\"", [](auto& t) { t.mode("x", 0); }) ==
          one(" = \"1777\": expected an octal mode such as \"0660\""));
}

TEST_CASE("a choice names all choices", "[common][config]")
{
    const auto read = [](auto& t) {
        t.template choice<Colour>("x", Colour::red, {{"red", Colour::red}, {"green", Colour::green}});
    };
    CHECK(errors_of("\"blue\"", read) == one(" = \"blue\": expected \"red\" or \"green\""));
}

TEST_CASE("a path is absolute", "[common][config]")
{
    CHECK(errors_of("\"x\"", [](auto& t) { t.path("x", "/"); }) == one(" = \"x\": expected an absolute path"));
    CHECK(errors_of("\"\"", [](auto& t) { t.path("x", "/"); }) == one(" = \"\": expected an absolute path"));
    CHECK(errors_of("\"/a\\u0000b\"", [](auto& t) { t.path("x", "/"); }) ==
          one(" = \"/a\\x00b\": expected an absolute path"));
}

TEST_CASE("in a list, the element is named, with its own line", "[common][config]")
{
    const auto read = [](auto& t) { t.text_list("x", {}); };
    CHECK(errors_of("[\n\"a\",\ntrue]", read) == Strings{"f:4: t.x[1] = true: expected a string"});
    CHECK(errors_of("[]", read) == one(" = []: expected at least one element"));
}

TEST_CASE("what nobody asked for is a mistake, with a hint where one is near", "[common][config]")
{
    ConfigFile file = ConfigFile::parse(R"(stray = 1
[filter]
lisen = "x"
frobnicate = 2
"odd key" = 3
[filtre]
a = 1
[other.table]
b = 1
)",
                                        "f");
    file.table("filter").text("listen", "");
    CHECK(file.errors() ==
          Strings{"f:1: stray = 1: unknown setting",
                  "f:3: filter.lisen = \"x\": unknown setting; did you mean filter.listen?",
                  "f:4: filter.frobnicate = 2: unknown setting", "f:5: filter.\"odd key\" = 3: unknown setting",
                  "f:6: [filtre]: unknown table; did you mean filter?", "f:8: [other]: unknown table"});
}

TEST_CASE("a table that belongs to somebody else is skipped with all that is in it", "[common][config]")
{
    ConfigFile file = ConfigFile::parse("[other]\na = 1\n[other.deep]\nb = 2\n[mine]\nc = 3\n", "f");
    file.root().skip("other");
    CHECK(file.table("mine").number("c", 0, 0, 9) == 3);
    CHECK(file.errors().empty());
}

TEST_CASE("mistakes come in the order of the lines, however they were found", "[common][config]")
{
    ConfigFile file = ConfigFile::parse("[t]\nunknown = 1\na = 1\nb = 2\n", "f");
    ConfigTable table = file.table("t");
    table.text("b", "");
    table.text("a", "");
    CHECK(file.errors() == Strings{"f:2: t.unknown = 1: unknown setting", "f:3: t.a = 1: expected a string",
                                   "f:4: t.b = 2: expected a string"});
}

TEST_CASE("a caller may refuse a value for a reason of its own", "[common][config]")
{
    ConfigFile file = ConfigFile::parse("[t]\na = \"x\"\n", "f");
    ConfigTable table = file.table("t");
    table.refuse("a", "another one");
    table.refuse("b", "something");
    CHECK(file.errors() == Strings{"f:1: t.b: expected something", "f:2: t.a = \"x\": expected another one"});
}

TEST_CASE("what stands in a message is escaped and cut", "[common][config]")
{
    const auto read = [](auto& t) { t.flag("x", true); };
    CHECK(errors_of(R"("a\nb\"c\\d")", read) == one(R"( = "a\x0ab\"c\\d": expected true or false)"));
    const std::string shown = errors_of('"' + std::string(200, 'x') + '"', read).at(0);
    CHECK(shown == "f:2: t.x = \"" + std::string(79, 'x') + "...: expected true or false");
}

TEST_CASE("a file with very many mistakes shows the first fifty", "[common][config]")
{
    std::string text;
    for (int i = 0; i < 70; ++i)
        text += "key" + std::to_string(i) + " = 1\n";
    ConfigFile file = ConfigFile::parse(text, "f");
    file.root();
    CHECK(file.errors().size() == 51);
    CHECK(file.errors().back() == "20 more mistakes");
}

TEST_CASE("a syntax error is named with its place", "[common][config]")
{
    ConfigFile file = ConfigFile::parse("a = 1\nb = = 2\n", "f");
    file.root().number("a", 0, 0, 9);
    REQUIRE(file.errors().size() == 1);
    CHECK_THAT(file.errors()[0], Catch::StartsWith("f:2: "));
}

TEST_CASE("files in conf.d override single keys, later names the earlier ones", "[common][config]")
{
    const test::TempDirectory directory;
    const std::string main = directory.write("x.toml", "[t]\na = 1\nb = 1\nc = 1\n");
    directory.write("conf.d/20-b.toml", "[t]\nc = 3\n");
    directory.write("conf.d/10-a.toml", "[t]\nb = 2\nc = 2\n");
    directory.write("conf.d/ignored.txt", "[t]\na = 9\n");
    directory.write("conf.d/.hidden.toml", "[t]\na = 9\n");

    ConfigFile file = ConfigFile::load(main);
    ConfigTable table = file.table("t");
    CHECK(table.number("a", 0, 0, 9) == 1);
    CHECK(table.number("b", 0, 0, 9) == 2);
    CHECK(table.number("c", 0, 0, 9) == 3);
    CHECK(file.errors().empty());
}

TEST_CASE("a mistake is named with the file in which it stands", "[common][config]")
{
    const test::TempDirectory directory;
    const std::string main = directory.write("x.toml", "[t]\na = 1\n");
    directory.write("conf.d/a.toml", "\n\n[t]\na = 70\n");
    ConfigFile file = ConfigFile::load(main);
    file.table("t").number("a", 0, 0, 9);
    CHECK(file.errors() == Strings{directory / "conf.d/a.toml" + ":4: t.a = 70: expected a whole number from 0 to 9"});
}

TEST_CASE("a configuration that does not exist is a mistake", "[common][config]")
{
    const test::TempDirectory directory;
    CHECK(ConfigFile::load(directory / "x.toml").errors() ==
          Strings{directory / "x.toml" + ": cannot be read: No such file or directory"});
    CHECK(ConfigFile::load(directory.path()).errors() ==
          Strings{directory.path() + ": cannot be read: is not a regular file"});
}
