#include "ctl/command_line.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "common/exit_code.hpp"

using namespace smtpauth;

namespace {

CommandLineOptions parse(std::vector<std::string> words, const CommandLineShape& shape)
{
    words.insert(words.begin(), "tail");
    std::vector<char*> argv(words.size() + 1); // the last one is null
    std::transform(words.begin(), words.end(), argv.begin(), [](std::string& word) { return word.data(); });
    return parse_command_line(static_cast<int>(words.size()), argv.data(), shape);
}

const CommandLineShape tail{.help = "", .options = {"count"}, .optional_arguments = 1, .flags = {"follow"}};

} // namespace

TEST_CASE("a flag is known by its name and by its letter", "[ctl][command_line]")
{
    CHECK(parse({"-f"}, tail).flags.contains("follow"));
    CHECK(parse({"--follow", "alice", "--count", "3"}, tail).flags.contains("follow"));
    CHECK(parse({"alice"}, tail).flags.empty());
    CHECK(parse({"-f"}, {.help = ""}).exit == exit_code::usage);
    CHECK(parse({"-x"}, tail).exit == exit_code::usage);
}

TEST_CASE("arguments may be left out where they are optional", "[ctl][command_line]")
{
    CHECK_FALSE(parse({}, tail).exit);
    CHECK(parse({"--count", "3", "alice"}, tail).arguments == std::vector<std::string>{"alice"});
    CHECK(parse({"alice", "bob"}, tail).exit == exit_code::usage);
    CHECK(parse({}, {.help = "", .arguments = {"an account"}}).exit == exit_code::usage);
}
