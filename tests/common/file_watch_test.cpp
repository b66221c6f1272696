#include "common/file_watch.hpp"

#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/run_until.hpp"
#include "tests/support/temp_directory.hpp"

using namespace smtpauth;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

struct Counts {
    int replaced = 0;
    int modified = 0;
    int vanished = 0;

    FileWatch::Handlers handlers()
    {
        return {
            .replaced = [this] { ++replaced; }, .modified = [this] { ++modified; }, .vanished = [this] { ++vanished; }};
    }
};

} // namespace

TEST_CASE("a change of the file is told, by inotify and by polling", "[common][file_watch]")
{
    const auto method = GENERATE(FileWatch::Method::inotify_else_poll, FileWatch::Method::poll);
    const test::TempDirectory directory;
    const std::string path = directory.write("f", "one");
    asio::io_context io;
    Counts counts;
    const FileWatch watch(io, path, counts.handlers(), method);
    CHECK(watch.uses_inotify() == (method == FileWatch::Method::inotify_else_poll));

    SECTION("written in place")
    {
        directory.write("f", "longer");
        CHECK(test::run_until(io, [&] { return counts.modified + counts.replaced > 0; }));
        CHECK(counts.vanished == 0);
    }
    SECTION("renamed into place")
    {
        directory.write("f.new", "two");
        fs::rename(directory / "f.new", path);
        CHECK(test::run_until(io, [&] { return counts.replaced > 0; }));
        CHECK(counts.vanished == 0);
    }
    SECTION("removed, and made anew")
    {
        fs::remove(path);
        CHECK(test::run_until(io, [&] { return counts.vanished == 1; }));
        CHECK(counts.replaced == 0);
        directory.write("f", "two");
        CHECK(test::run_until(io, [&] { return counts.replaced > 0; }));
    }
}

TEST_CASE("only inotify tells a closed file from one that is still written to", "[common][file_watch]")
{
    const test::TempDirectory directory;
    const std::string path = directory.write("f", "one");
    asio::io_context io;
    Counts counts;
    const FileWatch watch(io, path, counts.handlers());
    std::ofstream file(path, std::ios::app);
    file << "more" << std::flush;
    CHECK(test::run_until(io, [&] { return counts.modified > 0; }));
    CHECK(counts.replaced == 0);
    file.close();
    CHECK(test::run_until(io, [&] { return counts.replaced > 0; }));
}

TEST_CASE("other files in the directory are nobody's business", "[common][file_watch]")
{
    const test::TempDirectory directory;
    const std::string path = directory.write("f", "one");
    asio::io_context io;
    Counts counts;
    const FileWatch watch(io, path, counts.handlers());
    directory.write("f2", "x");
    directory.write("g", "x");
    directory.write("f", "last"); // what came before it has been read when this is told
    CHECK(test::run_until(io, [&] { return counts.replaced > 0; }));
    CHECK(counts.replaced == 1);
    CHECK(counts.vanished == 0);
}

TEST_CASE("a directory that comes later, or goes and comes back, is watched", "[common][file_watch]")
{
    const test::TempDirectory directory;
    asio::io_context io;
    Counts counts;
    const FileWatch watch(io, directory / "d/f", counts.handlers());
    CHECK_FALSE(watch.uses_inotify());
    directory.write("d/f", "one");
    CHECK(test::run_until(io, [&] { return counts.replaced > 0 && watch.uses_inotify(); }));

    fs::remove_all(directory / "d");
    CHECK(test::run_until(io, [&] { return counts.vanished > 0 && !watch.uses_inotify(); }));
    counts = {};
    directory.write("d/f", "two");
    CHECK(test::run_until(io, [&] { return counts.replaced > 0 && watch.uses_inotify(); }));
}

TEST_CASE("after its end a watch calls nobody", "[common][file_watch]")
{
    const test::TempDirectory directory;
    const std::string path = directory.write("f", "one");
    asio::io_context io;
    Counts counts;
    {
        const FileWatch watch(io, path, counts.handlers());
        directory.write("f", "two");
    }
    CHECK(test::run_until(io, [&io] { return io.stopped(); }));
    CHECK(counts.replaced + counts.modified + counts.vanished == 0);
}
