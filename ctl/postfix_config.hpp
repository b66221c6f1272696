// Postfix's main.cf and master.cf, as far as a milter must know them. Pure: text in, values out.
// Sources: postconf(5), master(5), MILTER_README.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace smtpauth {

/// Lines that belong together as one: a line that begins with a blank goes on with the one before; comments and empty
/// lines are left out, also between.
std::vector<std::string> logical_lines(std::string_view text);

/// name = value, the last of each name; for main.cf.
using PostfixParameters = std::map<std::string, std::string, std::less<>>;
PostfixParameters parse_main_cf(std::string_view text);

/// A line of master.cf.
struct PostfixService {
    std::string name; ///< "submission"
    std::string type; ///< "inet"
    bool chrooted = false;
    std::string program;         ///< "smtpd"
    PostfixParameters overrides; ///< -o name=value
};

/// @param chroot_default  what "-" means in the column chroot: no, from compatibility level 1 on.
std::vector<PostfixService> parse_master_cf(std::string_view text, bool chroot_default);

/// A parameter's value with $name, ${name} and $(name) replaced, to a bounded depth. "" where nobody gives one.
/// @param overrides  go before main.cf.
std::string postfix_value(std::string_view name, const PostfixParameters& main,
                          const PostfixParameters& overrides = {});

/// The milters of smtpd_milters, each with its options: "unix:x.sock", {"default_action": "accept"}.
struct PostfixMilter {
    std::string endpoint;
    PostfixParameters options;
};
std::vector<PostfixMilter> parse_milters(std::string_view value);

} // namespace smtpauth
