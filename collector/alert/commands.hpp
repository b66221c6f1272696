// The commands that an alarm proposes, ready for a shell: whatever an account is called, they mean that account.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smtpauth {

/// As one word of a POSIX shell. @param text  without control bytes.
std::string shell_quoted(std::string_view text);

/// Accounts are as the logs show them, which is what smtpauthctl takes.
std::string block_command(std::string_view account);
std::string unblock_command(std::string_view account);
std::string show_command(std::string_view account);

/// Several lines: Postfix holds these messages, as far as they are still in its queue.
/// @param queue_ids  letters and digits only.
std::string hold_command(const std::vector<std::string>& queue_ids);

/// Holds whatever the logs have of the account, rotated ones too, as long as they are not compressed.
std::string hold_all_command(std::string_view account, std::string_view stats_log);

} // namespace smtpauth
