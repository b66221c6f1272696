#include "collector/stats_log/gzip.hpp"

#include <cstdlib>
#include <random>

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.hpp"

using namespace smtpauth;

namespace {

std::string packed(std::string_view text, std::size_t piece)
{
    GzipEncoder encoder;
    std::string out;
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
        encoder.encode(text.substr(0, piece), out);
    encoder.finish(out);
    return out;
}

/// Half of it compresses well, half not at all.
std::string some_text()
{
    std::mt19937 random(1); // the same each time
    std::string text(300'000, 'a');
    for (std::size_t at = 0; at < text.size() / 2; ++at)
        text[at] = static_cast<char>(random());
    return text;
}

} // namespace

TEST_CASE("what is packed comes out as it was, in whatever pieces", "[stats_log][gzip]")
{
    const std::string text = GENERATE(std::string(), std::string("line\n"), some_text());
    const auto piece = GENERATE(std::size_t{1000}, std::size_t{65536}, std::size_t{1'000'000});
    const std::string bytes = packed(text, piece);
    GzipDecoder decoder;
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += piece)
        CHECK(decoder.decode(std::string_view(bytes).substr(at, piece), out));
    CHECK(decoder.finished());
    CHECK(out == text);
}

TEST_CASE("gzip itself reads it", "[stats_log][gzip]")
{
    const test::TempDirectory directory;
    directory.write("a.gz", packed("one\ntwo\n", 3));
    const std::string command = "gzip -dc " + (directory / "a.gz") + " > " + (directory / "a");
    REQUIRE(std::system(command.c_str()) == 0);
    CHECK(directory.read("a") == "one\ntwo\n");
}

TEST_CASE("what is cut or changed is not taken for complete", "[stats_log][gzip]")
{
    const std::string bytes = packed(some_text(), 65536);
    std::string out;
    GzipDecoder cut;
    CHECK(cut.decode(std::string_view(bytes).substr(0, bytes.size() - 1), out));
    CHECK_FALSE(cut.finished());

    std::string changed = bytes;
    changed[changed.size() / 2] = static_cast<char>(changed[changed.size() / 2] ^ 1);
    GzipDecoder wrong;
    CHECK_FALSE((wrong.decode(changed, out) && wrong.finished()));

    GzipDecoder longer;
    CHECK_FALSE(longer.decode(bytes + "x", out));
    GzipDecoder none;
    CHECK_FALSE(none.decode("plain text", out));
}
