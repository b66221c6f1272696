// A conversation between an MTA and a filter, as a text file: tests/dialogs/README.md tells the format. Reads it and
// knows nothing of its meaning (dialog_player.hpp).
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace smtpauth::test {

/// What is wrong with a dialog, or with the filter that it was played to: "FILE:LINE: found, expected".
class DialogError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct DialogLine {
    int number = 0;
    char kind = 0;                  ///< '>' the MTA says, '<' the filter answers, '=' is recorded, '!' happens outside
    std::vector<std::string> words; ///< at least one
};

struct Dialog {
    std::string path;
    std::map<std::string, std::vector<std::string>> settings; ///< by name
    std::vector<DialogLine> lines;

    /// The words of a setting; empty where it is not made.
    std::vector<std::string> setting(const std::string& name) const;

    [[noreturn]] void fail(int line, const std::string& what) const;
};

/// Throws DialogError.
Dialog read_dialog(const std::string& path);

/// Cuts a line into words at blanks; "..." keeps blanks; \t \n \r \\ \" \xHH are bytes, and \{60000:x} is 60,000 times
/// the byte x. Throws std::invalid_argument.
std::vector<std::string> split_words(std::string_view text);

} // namespace smtpauth::test
