#include "collector/alert/commands.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace smtpauth {

namespace {

bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("@.,:/_+-").find(c) != std::string_view::npos;
}

/// Where it begins like an option, behind the mark that ends those.
std::string as_argument(std::string_view account)
{
    return (account.starts_with('-') ? "-- " : "") + shell_quoted(account);
}

} // namespace

std::string shell_quoted(std::string_view text)
{
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain))
        return std::string(text);
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'')
            quoted += "'\\''";
        else
            quoted += c;
    }
    return quoted + '\'';
}

std::string block_command(std::string_view account)
{
    return "smtpauthctl block --for 2d --reason 'password stolen' " + as_argument(account);
}

std::string unblock_command(std::string_view account)
{
    return "smtpauthctl unblock " + as_argument(account);
}

std::string show_command(std::string_view account)
{
    return "smtpauthctl show " + as_argument(account);
}

std::string hold_command(const std::vector<std::string>& queue_ids)
{
    return fmt::format("postsuper -h - <<END\n{}\nEND", fmt::join(queue_ids, "\n"));
}

std::string hold_all_command(std::string_view account, std::string_view stats_log)
{
    return fmt::format("grep -ahsF \"$(printf '\\tauth_id:%s\\t' {0})\" {1} {1}.* | grep -aoP '\\tqueue_id:\\K[^\\t]+' "
                       "| postsuper -h -",
                       shell_quoted(account), shell_quoted(stats_log));
}

} // namespace smtpauth
