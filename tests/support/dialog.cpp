#include "tests/support/dialog.hpp"

#include <charconv>
#include <fstream>

namespace smtpauth::test {

namespace {

constexpr std::string_view blanks = " \t";

template <class Number>
Number take_number(std::string_view& text, int base)
{
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc{})
        throw std::invalid_argument("a number is missing in an escape");
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

/// One escape; text begins after its backslash and loses what was taken.
std::string take_escape(std::string_view& text)
{
    const char kind = text.empty() ? '\0' : text.front();
    text.remove_prefix(text.empty() ? 0 : 1);
    switch (kind) {
    case 't':
        return "\t";
    case 'n':
        return "\n";
    case 'r':
        return "\r";
    case '\\':
    case '"':
        return {kind};
    case 'x': {
        std::string_view digits = text.substr(0, 2);
        text.remove_prefix(digits.size());
        return {static_cast<char>(take_number<unsigned char>(digits, 16))};
    }
    case '{': {
        const auto count = take_number<std::size_t>(text, 10);
        if (text.size() < 3 || text[0] != ':' || text[2] != '}')
            throw std::invalid_argument("\\{ without :x}");
        std::string bytes(count, text[1]);
        text.remove_prefix(3);
        return bytes;
    }
    default:
        throw std::invalid_argument("unknown escape");
    }
}

std::string take_word(std::string_view& text)
{
    std::string word;
    bool quoted = false;
    while (!text.empty() && (quoted || blanks.find(text.front()) == std::string_view::npos)) {
        const char c = text.front();
        text.remove_prefix(1);
        if (c == '"')
            quoted = !quoted;
        else if (c == '\\')
            word += take_escape(text);
        else
            word += c;
    }
    if (quoted)
        throw std::invalid_argument("a quote without its end");
    return word;
}

} // namespace

std::vector<std::string> split_words(std::string_view text)
{
    std::vector<std::string> words;
    for (;;) {
        const std::size_t start = text.find_first_not_of(blanks);
        if (start == std::string_view::npos)
            return words;
        text.remove_prefix(start);
        words.push_back(take_word(text));
    }
}

std::vector<std::string> Dialog::setting(const std::string& name) const
{
    const auto found = settings.find(name);
    return found == settings.end() ? std::vector<std::string>{} : found->second;
}

void Dialog::fail(int line, const std::string& what) const
{
    throw DialogError(path + ":" + std::to_string(line) + ": " + what);
}

Dialog read_dialog(const std::string& path)
{
    Dialog dialog;
    dialog.path = path;
    std::ifstream file(path);
    if (!file)
        throw DialogError(path + ": cannot be read");

    int number = 0;
    for (std::string text; std::getline(file, text);) {
        ++number;
        try {
            if (text.empty() || text.front() == '#')
                continue;
            const bool spoken = std::string_view("><=!").find(text.front()) != std::string_view::npos;
            auto words = split_words(spoken ? text.substr(1) : text);
            if (words.empty())
                dialog.fail(number, "nothing follows, expected a word");
            if (spoken) {
                dialog.lines.push_back({number, text.front(), std::move(words)});
                continue;
            }
            if (!dialog.lines.empty())
                dialog.fail(number, "\"" + words[0] + "\", expected a line that begins with > < = or !");
            const std::string name = words[0];
            words.erase(words.begin());
            dialog.settings[name] = std::move(words);
        } catch (const std::invalid_argument& error) {
            dialog.fail(number, error.what());
        }
    }
    return dialog;
}

} // namespace smtpauth::test
