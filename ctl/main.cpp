// smtpauthctl: the administrator's hand. Finds the command that is asked for; each command is a file of its own.

#include <array>
#include <cstdio>
#include <exception>
#include <string_view>

#include <fmt/format.h>

#include "common/escape.hpp"
#include "common/exit_code.hpp"
#include "ctl/blocks.hpp"
#include "ctl/check.hpp"
#include "ctl/explain.hpp"
#include "ctl/replay.hpp"
#include "ctl/show.hpp"
#include "ctl/status.hpp"
#include "ctl/tail.hpp"
#include "ctl/top.hpp"
#include "version.hpp"

namespace smtpauth {

namespace {

struct Command {
    std::string_view name;
    const char* summary;
    int (*run)(int argc, char** argv); ///< argv[0] is the command's name; returns the exit status
};

constexpr std::array commands = {
    Command{"status", "how the daemons are", run_status},
    Command{"top", "which accounts sent most", run_top},
    Command{"show", "how an account stands: its limits, its networks", run_show},
    Command{"explain", "why mail was refused, held or let pass", run_explain},
    Command{"tail", "the last lines of the logs, and what follows", run_tail},
    Command{"blocks", "which accounts may not send, and why", run_blocks},
    Command{"block", "let an account send no more for a while", run_block},
    Command{"unblock", "let it send again", run_unblock},
    Command{"check", "whether everything stands as daemons and MTA need it", run_check},
    Command{"replay", "what another configuration would have done to logged mail", run_replay},
};

void print_help(std::FILE* to)
{
    fmt::print(to, "smtpauthctl {}\n\n", version);
    for (const Command& command : commands)
        fmt::print(to, "  smtpauthctl {:<10} {}\n", command.name, command.summary);
    fmt::print(to, "\nsmtpauthctl COMMAND --help tells more; --version the version.\n");
}

int run(int argc, char** argv)
{
    const std::string_view word = argc > 1 ? argv[1] : "";
    if (word == "--help" || word == "-h") {
        print_help(stdout);
        return exit_code::ok;
    }
    if (word == "--version") {
        fmt::print("smtpauthctl {}\n", version);
        return exit_code::ok;
    }
    for (const Command& command : commands)
        if (command.name == word)
            return command.run(argc - 1, argv + 1);
    if (!word.empty())
        fmt::print(stderr, "smtpauthctl: no command \"{}\"\n", escape_controls(word));
    print_help(stderr);
    return exit_code::usage;
}

} // namespace

} // namespace smtpauth

int main(int argc, char** argv)
{
    try {
        return smtpauth::run(argc, argv);
    } catch (const std::exception& error) {
        fmt::print(stderr, "smtpauthctl: {}\n", error.what());
        return smtpauth::exit_code::software;
    }
}
