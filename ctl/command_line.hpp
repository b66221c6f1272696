// What every command of smtpauthctl takes on its command line, and how it is said what is wrong there.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/daemons.hpp"

namespace smtpauth {

/// What a command takes besides --json, --help and -c FILE.
struct CommandLineShape {
    const char* help;                          ///< all of it; {} stands for the default of -c
    std::vector<const char*> options{};        ///< long ones, without "--", each with a value
    std::vector<std::string_view> arguments{}; ///< what each is, for messages; all must be there
    std::size_t optional_arguments = 0;        ///< how many may follow those
    std::vector<const char*> flags{};          ///< long options without a value; each also as its first letter
};

struct CommandLineOptions {
    bool json = false;
    std::string config = "/etc/smtpauth/smtpauth.toml";
    std::map<std::string, std::string, std::less<>> values{}; ///< of the options that were given
    std::vector<std::string> arguments{};
    std::set<std::string, std::less<>> flags{}; ///< those that were given
    std::optional<int> exit{};                  ///< the answer is given already
};

/// Says what is wrong, or the help. @param argv  argv[0] is the command's name.
CommandLineOptions parse_command_line(int argc, char** argv, const CommandLineShape& shape);

/// The daemons that have a control socket. Says what is wrong. @return  empty: exit_code::config.
std::vector<Daemon> configured_daemons(const std::string& config);

} // namespace smtpauth
