// What an administrator may have done about accounts, and what is known of them: the control commands block,
// unblock, blocks and show (docs/formats/control.md).
#pragma once

#include <memory>

#include "common/control.hpp"
#include "filter/block_store.hpp"
#include "filter/journal/journal.hpp"
#include "filter/site.hpp"

namespace smtpauth {

/// An account as the logs show it.
std::string printable_id(std::string_view id);

/// All references outlive the commands.
void add_account_commands(ControlCommands& commands, const Site& site, Journal& journal, BlockStore& blocks);

} // namespace smtpauth
