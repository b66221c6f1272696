#include "ctl/postfix_config.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace smtpauth {

namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trimmed(std::string_view text)
{
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// What compatible versions have where main.cf says nothing.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> defaults{
    {{"queue_directory", "/var/spool/postfix"},
     {"mail_owner", "postfix"},
     {"milter_default_action", "tempfail"},
     {"compatibility_level", "0"},
     {"milter_protocol", "6"}}};

/// Words between blanks; what stands in braces is one word, without them.
std::vector<std::string> words_of(std::string_view text, std::string_view separators)
{
    std::vector<std::string> words;
    std::string word;
    std::size_t depth = 0;
    bool in_word = false;
    const auto end = [&] {
        if (std::exchange(in_word, false))
            words.push_back(std::exchange(word, {}));
    };
    for (const char c : text) {
        if (depth == 0 && separators.find(c) != std::string_view::npos) {
            end();
            continue;
        }
        in_word = true;
        if (c == '}' && depth != 0 && --depth == 0)
            continue;
        if (c != '{' || depth++ != 0)
            word += c;
    }
    end();
    return words;
}

std::pair<std::string, std::string> name_and_value(std::string_view text)
{
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos)
        return {std::string(trimmed(text)), ""};
    return {std::string(trimmed(text.substr(0, equals))), std::string(trimmed(text.substr(equals + 1)))};
}

/// The options of a service's command: -o NAME=VALUE, -oNAME=VALUE, -o { NAME = VALUE }.
PostfixParameters overrides_of(const std::vector<std::string>& words, std::size_t begin)
{
    PostfixParameters overrides;
    for (std::size_t at = begin; at < words.size(); ++at) {
        if (!words[at].starts_with("-o"))
            continue;
        const bool apart = words[at].size() == 2;
        if (apart && ++at == words.size())
            break;
        auto [name, value] =
            name_and_value(apart ? std::string_view(words[at]) : std::string_view(words[at]).substr(2));
        overrides.insert_or_assign(std::move(name), std::move(value));
    }
    return overrides;
}

constexpr int deepest = 20;

std::string value_of(std::string_view name, const PostfixParameters& main, const PostfixParameters& overrides,
                     int depth);

std::string expanded(std::string_view text, const PostfixParameters& main, const PostfixParameters& overrides,
                     int depth)
{
    const auto is_name = [](char c) {
        return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    };
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '$' || at + 1 == text.size()) {
            result += text[at];
            continue;
        }
        const char open = text[at + 1];
        const bool braced = open == '{' || open == '(';
        const std::size_t begin = at + (braced ? 2 : 1);
        const auto* const stop = std::find_if_not(text.begin() + begin, text.end(), is_name);
        const std::string_view name = text.substr(begin, static_cast<std::size_t>(stop - text.begin()) - begin);
        result += value_of(name, main, overrides, depth + 1);
        at = begin + name.size() - 1;
        // Of ${name?text} only the name is understood.
        if (braced)
            at = std::min(text.find(open == '{' ? '}' : ')', begin), text.size() - 1);
    }
    return result;
}

std::string value_of(std::string_view name, const PostfixParameters& main, const PostfixParameters& overrides,
                     int depth)
{
    if (depth > deepest)
        return {};
    for (const PostfixParameters* parameters : {&overrides, &main})
        if (const auto found = parameters->find(name); found != parameters->end())
            return expanded(found->second, main, overrides, depth);
    for (const auto& [known, value] : defaults)
        if (known == name)
            return std::string(value);
    return {};
}

} // namespace

std::vector<std::string> logical_lines(std::string_view text)
{
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::string_view content = trimmed(line);
        if (content.empty() || content.front() == '#')
            continue;
        if (blanks.find(line.front()) != std::string_view::npos && !lines.empty())
            lines.back().append(" ").append(content);
        else
            lines.emplace_back(content);
    }
    return lines;
}

PostfixParameters parse_main_cf(std::string_view text)
{
    PostfixParameters parameters;
    for (const std::string& line : logical_lines(text)) {
        auto [name, value] = name_and_value(line);
        parameters.insert_or_assign(std::move(name), std::move(value));
    }
    return parameters;
}

std::vector<PostfixService> parse_master_cf(std::string_view text, bool chroot_default)
{
    // service type private unpriv chroot wakeup maxproc command
    constexpr std::size_t chroot_column = 4;
    constexpr std::size_t command_column = 7;
    std::vector<PostfixService> services;
    for (const std::string& line : logical_lines(text)) {
        const std::vector<std::string> words = words_of(line, blanks);
        if (words.size() <= command_column)
            continue;
        const std::string& chroot = words[chroot_column];
        services.push_back({words[0], words[1], chroot == "-" ? chroot_default : chroot == "y", words[command_column],
                            overrides_of(words, command_column + 1)});
    }
    return services;
}

std::string postfix_value(std::string_view name, const PostfixParameters& main, const PostfixParameters& overrides)
{
    return value_of(name, main, overrides, 0);
}

std::vector<PostfixMilter> parse_milters(std::string_view value)
{
    constexpr std::string_view separators = " \t\r,";
    std::vector<PostfixMilter> milters;
    for (const std::string& word : words_of(value, separators)) {
        // What stood in braces has its options behind the endpoint: "unix:x, connect_timeout=5s".
        PostfixMilter milter;
        for (const std::string& part : words_of(word, separators)) {
            if (milter.endpoint.empty())
                milter.endpoint = part;
            else
                milter.options.insert(name_and_value(part));
        }
        if (!milter.endpoint.empty())
            milters.push_back(std::move(milter));
    }
    return milters;
}

} // namespace smtpauth
