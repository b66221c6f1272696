// What an administrator may have done about accounts: the control commands block, unblock and blocks
// (docs/formats/control.md).
#pragma once

#include <memory>

#include "common/control.hpp"
#include "filter/block_store.hpp"
#include "filter/journal/journal.hpp"
#include "filter/site.hpp"

namespace smtpauth {

/// All references outlive the commands.
void add_block_commands(ControlCommands& commands, const Site& site, Journal& journal, BlockStore& blocks);

} // namespace smtpauth
