// smtpauthctl block, unblock and blocks: which accounts may not send for a while.
#pragma once

namespace smtpauth {

/// The commands; their arguments begin behind their names. @return  the exit status: 1 where a filter did not do it.
int run_block(int argc, char** argv);
int run_unblock(int argc, char** argv);
int run_blocks(int argc, char** argv);

} // namespace smtpauth
