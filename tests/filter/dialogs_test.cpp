// Plays the conversations of tests/dialogs to a filter in this process.
#include "tests/support/dialog_player.hpp"

#include <filesystem>
#include <set>

#include <catch2/catch.hpp>

#include "tests/support/conversation_filter.hpp"

using namespace smtpauth;
using namespace smtpauth::test;

namespace {

std::vector<std::string> dialog_files()
{
    std::set<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(SMTPAUTH_TESTS "/dialogs"))
        if (entry.path().extension() == ".milter")
            paths.insert(entry.path());
    return {paths.begin(), paths.end()};
}

bool has(const std::vector<std::string>& words, const std::string& word)
{
    return std::find(words.begin(), words.end(), word) != words.end();
}

MessageSize message_size(const std::string& name)
{
    return name == "count"   ? MessageSize::count
           : name == "macro" ? MessageSize::macro
           : name == "off"   ? MessageSize::off
                             : MessageSize::auto_;
}

/// The dialog's settings; those that it does not make are the filter's own.
FilterConfig config_of(const Dialog& dialog)
{
    FilterConfig config;
    for (const auto& [name, words] : dialog.settings) {
        if (name == "message_size" && words.size() == 1)
            config.message_size = message_size(words[0]);
        else if (name == "max_recipients" && words.size() == 1)
            config.max_recipients = std::stoul(words[0]);
        else if (name == "auth_id_normalize")
            config.auth_id_normalize = {has(words, "lowercase"), has(words, "strip-domain")};
        else if (name != "reject_ids" && name != "hold_ids" && name != "offer")
            dialog.fail(1, "\"" + name + "\" is no setting of a dialog");
    }
    return config;
}

} // namespace

TEST_CASE("every dialog goes as it is written, however the bytes are cut", "[filter][dialogs]")
{
    const auto path = GENERATE(from_range(dialog_files()));
    const auto piece = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{61});
    CAPTURE(path, piece);

    try {
        const Dialog dialog = read_dialog(path);
        ConversationFilter filter(config_of(dialog), piece);
        for (const std::string& id : dialog.setting("reject_ids"))
            filter.list(id);
        for (const std::string& id : dialog.setting("hold_ids"))
            filter.site().hold(id);
        play(dialog, filter);
        SUCCEED();
    } catch (const DialogError& error) {
        FAIL(error.what());
    }
}
