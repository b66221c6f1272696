// smtpauthctl show: how an account stands with its limits, where its mail came from, whether it is blocked.
#pragma once

namespace smtpauth {

/// The command; its arguments begin behind its name. @return  the exit status: 1 where a filter did not answer.
int run_show(int argc, char** argv);

} // namespace smtpauth
