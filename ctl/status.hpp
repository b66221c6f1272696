// smtpauthctl status: how each daemon is.
#pragma once

#include <string>
#include <vector>

#include "common/control.hpp"
#include "ctl/daemons.hpp"

namespace smtpauth {

struct DaemonStatus {
    Daemon daemon;
    ControlResult answer;
};

/// For people: a table for each daemon, or a line that says why it did not answer.
std::string to_text(const std::vector<DaemonStatus>& statuses);

/// For programs: {"daemons": [{"daemon", "socket", "status" or "error"}]}.
std::string to_json_text(const std::vector<DaemonStatus>& statuses);

/// The command; its arguments begin behind its name. @return  the exit status: 1 where a daemon did not answer.
int run_status(int argc, char** argv);

} // namespace smtpauth
