// smtpauthctl replay: what the filter would have done, had it had another configuration.
#pragma once

namespace smtpauth {

/// The command; argv[0] is its name. @return  the exit status.
int run_replay(int argc, char** argv);

} // namespace smtpauth
