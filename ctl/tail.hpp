// smtpauthctl tail: the last lines of both logs, in the order of time, and what comes after them.
#pragma once

namespace smtpauth {

/// The command; its arguments begin behind its name. @return  the exit status: 1 where a log could not be read.
int run_tail(int argc, char** argv);

} // namespace smtpauth
