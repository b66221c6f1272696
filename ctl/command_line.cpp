#include "ctl/command_line.hpp"

#include <getopt.h>

#include <cstdio>

#include <fmt/format.h>

#include "common/escape.hpp"
#include "common/exit_code.hpp"

namespace smtpauth {

namespace {

/// Behind every character; values of the shape's own options follow.
constexpr int json_option = 256;
constexpr int first_own_option = json_option + 1;

std::vector<option> known_options(const CommandLineShape& shape)
{
    std::vector<option> known{{"help", no_argument, nullptr, 'h'}, {"json", no_argument, nullptr, json_option}};
    for (std::size_t at = 0; at < shape.options.size(); ++at)
        known.push_back({shape.options[at], required_argument, nullptr, first_own_option + static_cast<int>(at)});
    for (const char* flag : shape.flags)
        known.push_back({flag, no_argument, nullptr, flag[0]});
    known.push_back({nullptr, 0, nullptr, 0});
    return known;
}

/// The flag of that letter, or null.
const char* flag_of(int letter, const CommandLineShape& shape)
{
    for (const char* flag : shape.flags)
        if (flag[0] == letter)
            return flag;
    return nullptr;
}

std::string letters(const CommandLineShape& shape)
{
    std::string letters = "c:h";
    for (const char* flag : shape.flags)
        letters += flag[0];
    return letters;
}

/// @return  whether as many arguments are there as there should be.
bool has_its_arguments(const CommandLineOptions& options, const CommandLineShape& shape, std::string_view command)
{
    const std::size_t count = options.arguments.size();
    const std::size_t most = shape.arguments.size() + shape.optional_arguments;
    if (count > most)
        fmt::print(stderr, "smtpauthctl {}: unexpected argument \"{}\"\n", command,
                   escape_controls(options.arguments[most]));
    else if (count < shape.arguments.size())
        fmt::print(stderr, "smtpauthctl {}: expected {}\n", command, shape.arguments[count]);
    return count >= shape.arguments.size() && count <= most;
}

} // namespace

CommandLineOptions parse_command_line(int argc, char** argv, const CommandLineShape& shape)
{
    CommandLineOptions options;
    const std::vector<option> known = known_options(shape);
    const std::string short_options = letters(shape);
    optind = 0; // begin anew: main() has read what stood before the command
    for (int found = 0; (found = ::getopt_long(argc, argv, short_options.c_str(), known.data(), nullptr)) != -1;) {
        if (found == 'c') {
            options.config = optarg;
        } else if (found == json_option) {
            options.json = true;
        } else if (found >= first_own_option) {
            options.values[shape.options[static_cast<std::size_t>(found - first_own_option)]] = optarg;
        } else if (found == 'h') {
            fmt::print(fmt::runtime(shape.help), CommandLineOptions().config);
            options.exit = exit_code::ok;
            return options;
        } else if (const char* flag = flag_of(found, shape)) {
            options.flags.emplace(flag);
        } else { // getopt_long() has said what is wrong
            options.exit = exit_code::usage;
            return options;
        }
    }
    options.arguments.assign(argv + optind, argv + argc);
    if (!has_its_arguments(options, shape, argv[0]))
        options.exit = exit_code::usage;
    return options;
}

std::vector<Daemon> configured_daemons(const std::string& config)
{
    const Daemons configured = load_daemons(config);
    for (const std::string& error : configured.errors)
        fmt::print(stderr, "{}\n", escape_controls(error));
    if (!configured.errors.empty())
        return {};
    if (configured.daemons.empty())
        fmt::print(stderr, "{}: no daemon has a control socket (setting control)\n", escape_controls(config));
    return configured.daemons;
}

} // namespace smtpauth
