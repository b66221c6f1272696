#include "common/read_file.hpp"

#include <sys/stat.h>

#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;

TEST_CASE("a file comes whole, byte by byte", "[common][read_file]")
{
    const test::TempDirectory directory;
    const std::string text(200'000, '\0');
    CHECK(read_file(directory.write("f", text), 1 << 20, SymbolicLink::refuse).text == text);
    CHECK(read_file(directory.write("f", ""), 1 << 20, SymbolicLink::refuse).text.empty());
}

TEST_CASE("a file without a size, as in /proc, comes whole", "[common][read_file]")
{
    CHECK_FALSE(read_file("/proc/self/status", 1 << 20, SymbolicLink::refuse).text.empty());
}

TEST_CASE("a file above the limit is refused", "[common][read_file]")
{
    const test::TempDirectory directory;
    const std::string file = directory.write("f", std::string(1025, 'x'));
    CHECK(read_file(file, 1025, SymbolicLink::refuse).error.empty());
    CHECK(read_file(file, 1024, SymbolicLink::refuse).error == "is larger than 1KiB");
}

TEST_CASE("what is no regular file is refused, and a pipe does not stall", "[common][read_file]")
{
    const test::TempDirectory directory;
    REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
    CHECK(read_file(directory / "pipe", 1024, SymbolicLink::refuse).error == "is not a regular file");
    CHECK(read_file(directory.path(), 1024, SymbolicLink::refuse).error == "is not a regular file");
    CHECK(read_file(directory / "none", 1024, SymbolicLink::refuse).error == "No such file or directory");
}

TEST_CASE("a symbolic link is followed only where asked for", "[common][read_file]")
{
    const test::TempDirectory directory;
    directory.write("f", "text");
    std::filesystem::create_symlink("f", directory / "link");
    CHECK(read_file(directory / "link", 1024, SymbolicLink::follow).text == "text");
    CHECK(read_file(directory / "link", 1024, SymbolicLink::refuse).error == "is a symbolic link");
}
