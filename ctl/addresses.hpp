// Which addresses are the same: what an MTA names, and where a daemon listens. Asks the system about symbolic links and
// its own addresses; opens nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/socket_spec.hpp"

namespace smtpauth {

/// A path without "." , ".." and symbolic links, as a process sees it whose root is `root`: chroot(2).
/// @param path  from there; what does not exist stays as it is written.
/// @return  the path outside.
std::string resolved_path(const std::string& root, std::string_view path);

/// Does who goes to `named` come to who listens at `listen`? UNIX paths are the same where they lead to the same place;
/// a wildcard address is each address of this machine.
bool leads_to(const SocketSpec& named, const SocketSpec& listen);

/// An endpoint of smtpd_milters that is no path: "inet:127.0.0.1:10025", "inet:[::1]:10025".
/// Source: MILTER_README; there is no "inet6:".
std::optional<TcpSocketSpec> parse_postfix_inet(std::string_view endpoint);

/// The other way round; a wildcard as the loopback address, for nobody can go to "any".
std::string postfix_inet(const TcpSocketSpec& spec);

/// The address to go to: loopback for a wildcard.
TcpSocketSpec reachable(TcpSocketSpec spec);

} // namespace smtpauth
