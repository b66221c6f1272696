#include "tests/bench/load_options.hpp"

#include <charconv>
#include <functional>
#include <map>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace smtpauth::bench {

namespace {

/// Throws std::invalid_argument for what is no number of this type, as a whole.
template <class Number>
void read(std::string_view text, Number& number)
{
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || rest != end || text.starts_with('-'))
        throw std::invalid_argument("\"" + std::string(text) + "\", expected a number");
}

using Setter = std::function<void(std::string_view)>;

template <class Number>
Setter number(Number& value)
{
    return [&value](std::string_view text) { read(text, value); };
}

Setter text(std::string& value)
{
    return [&value](std::string_view given) { value = given; };
}

std::map<std::string_view, Setter> setters(LoadOptions& options)
{
    return {
        {"--connections", number(options.connections)},
        {"--pause-sessions", number(options.pause_sessions)},
        {"--idle-connections", number(options.idle_connections)},
        {"--messages-per-connection", number(options.messages_per_connection)},
        {"--recipients", number(options.recipients)},
        {"--body", number(options.body_bytes)},
        {"--ids", number(options.ids)},
        {"--choice",
         [&options](std::string_view choice) {
             if (choice != "uniform" && choice != "zipf")
                 throw std::invalid_argument("\"" + std::string(choice) + "\", expected uniform or zipf");
             options.zipf = choice == "zipf";
         }},
        {"--refused-share", number(options.refused_share)},
        {"--seed", number(options.seed)},
        {"--rate", number(options.rate)},
        {"--seconds", number(options.seconds)},
        {"--messages", number(options.messages)},
        {"--prefix", text(options.prefix)},
        {"--answers", text(options.answers)},
        {"--watch-pid", [&options](std::string_view pid) { read(pid, options.watch_pid.emplace()); }},
    };
}

} // namespace

LoadOptions parse_load_options(int argc, char** argv)
{
    LoadOptions options;
    const auto known = setters(options);
    const std::vector<std::string_view> words(argv + 1, argv + argc);
    std::size_t at = 0;
    for (; at + 1 < words.size(); at += 2) {
        const auto found = known.find(words[at]);
        if (found == known.end())
            throw std::invalid_argument("unknown option " + std::string(words[at]));
        found->second(words[at + 1]);
    }
    if (at + 1 != words.size())
        throw std::invalid_argument("expected options and their values, then the path of a socket");
    options.socket = words[at];
    if (options.ids == 0 || options.refused_share > 1)
        throw std::invalid_argument("expected at least one id, and a share of at most 1");
    return options;
}

} // namespace smtpauth::bench
