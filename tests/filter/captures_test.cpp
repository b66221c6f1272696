// Plays the recordings of real MTAs in tests/captures to a filter in this process.
#include "tests/support/capture_player.hpp"

#include <filesystem>
#include <set>

#include <catch2/catch.hpp>

#include "tests/support/conversation_filter.hpp"
#include "tests/support/record_fields.hpp"

using namespace smtpauth;
using namespace smtpauth::test;

namespace {

std::vector<std::string> capture_files()
{
    std::set<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(SMTPAUTH_TESTS "/captures"))
        if (entry.path().extension() == ".jsonl")
            paths.insert(entry.path());
    return {paths.begin(), paths.end()};
}

} // namespace

TEST_CASE("real conversations go through, and their messages are recorded as the MTA had them", "[filter][captures]")
{
    const auto path = GENERATE(from_range(capture_files()));
    const auto offer = GENERATE(Offer::as_answered, Offer::all);
    const auto message_size = GENERATE(MessageSize::auto_, MessageSize::off);
    CAPTURE(path, offer == Offer::all, message_size == MessageSize::auto_);

    FilterConfig config;
    config.message_size = message_size;
    ConversationFilter filter(config);
    const Replay result = replay(read_capture(path), filter, offer);
    CHECK(result.packets > 0);

    for (const ExpectedRecord& expected : result.messages) {
        const auto record = filter.take_record();
        REQUIRE(record);
        for (const auto& [name, value] : expected) {
            CAPTURE(name);
            CHECK(field(*record, name) == (name == "size" && message_size == MessageSize::off ? "-" : value));
        }
    }
    CHECK_FALSE(filter.take_record());
}

TEST_CASE("the recordings hold what they are here for", "[filter][captures]")
{
    const auto files = capture_files();
    CHECK(files.size() >= 52);
    std::size_t messages = 0;
    std::size_t sizes = 0;
    for (const std::string& path : files) {
        ConversationFilter filter;
        for (const ExpectedRecord& expected : replay(read_capture(path), filter, Offer::as_answered).messages) {
            ++messages;
            if (expected.back().first == "size")
                ++sizes;
        }
    }
    CHECK(messages >= 50);
    CHECK(sizes >= 45);
}
