#include "ctl/reach.hpp"

#include <sys/stat.h>

#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;

namespace {

/// Neither the user nor a member of the group of what this test makes.
const Person stranger{"stranger", 4000000000, {4000000000}};

} // namespace

TEST_CASE("the first directory that stops somebody is named", "[ctl][reach]")
{
    const test::TempDirectory directory;
    const std::string file = directory.write("a/b/file", "");
    ::chmod(directory.path().c_str(), 0755);
    ::chmod((directory / "a").c_str(), 0711);
    ::chmod(file.c_str(), 0606);
    CHECK_FALSE(find_obstacle(stranger, file, Access::write));

    ::chmod((directory / "a").c_str(), 0750);
    ::chmod((directory / "a/b").c_str(), 0700);
    const auto obstacle = find_obstacle(stranger, file, Access::write);
    REQUIRE(obstacle);
    CHECK(obstacle->path == directory / "a");
    CHECK(obstacle->why.starts_with("drwxr-x--- "));
    CHECK(obstacle->why.ends_with(": stranger may not pass"));
    CHECK_FALSE(find_obstacle({"root", 0, {}}, file, Access::write));
}

TEST_CASE("the owner's bits count for the owner alone, the group's for its members", "[ctl][reach]")
{
    const test::TempDirectory directory;
    const std::string file = directory.write("file", "");
    ::chmod(directory.path().c_str(), 0755);
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    const Person member{"member", stranger.uid, {status.st_gid}};
    ::chmod(file.c_str(), 0060);
    CHECK_FALSE(find_obstacle(member, file, Access::write));
    CHECK(find_obstacle(stranger, file, Access::write));
    ::chmod(file.c_str(), 0606);
    CHECK(find_obstacle(member, file, Access::write));
    CHECK(find_obstacle(member, file, Access::read)->why.ends_with("member may not read"));
}

TEST_CASE("what is missing, and what lies behind a link, is found", "[ctl][reach]")
{
    const test::TempDirectory directory;
    ::chmod(directory.path().c_str(), 0755);
    CHECK(find_obstacle(stranger, directory / "none/file", Access::read)->is_missing);
    const std::string file = directory.write("hidden/file", "");
    std::filesystem::create_symlink(directory / "hidden", directory / "link");
    ::chmod(file.c_str(), 0644);
    ::chmod((directory / "hidden").c_str(), 0700);
    CHECK(find_obstacle(stranger, directory / "link/file", Access::read)->path == directory / "link");
    std::filesystem::create_symlink(file, directory / "file");
    CHECK(find_obstacle(stranger, directory / "file", Access::read)->path == directory / "hidden");
}

TEST_CASE("a directory that others may write to is found", "[ctl][reach]")
{
    const test::TempDirectory directory;
    const std::string file = directory.write("a/file", "");
    ::chmod(directory.path().c_str(), 0775);
    // /tmp itself is such a directory.
    CHECK(find_loose_directory(file)->path == std::filesystem::path(directory.path()).parent_path());
    CHECK_FALSE(find_loose_directory("/usr/bin/env"));
}

TEST_CASE("users have all their groups", "[ctl][reach]")
{
    const auto root = find_person("root");
    REQUIRE(root);
    CHECK(root->uid == 0);
    CHECK_FALSE(root->groups.empty());
    CHECK_FALSE(find_person("nobody-of-this-name"));
    CHECK(person_of(4000000000, 7).groups == std::vector<gid_t>{7});
}
