// How much of a recipient's address may stand where the collector tells of mail: in logs and in alarms.
#pragma once

#include <string>
#include <string_view>

namespace smtpauth {

enum class LogRecipients { full, domain, count };

/// "@example.org" of "user@example.org", "@" of "user".
inline std::string domain_of(std::string_view address)
{
    const std::size_t at = address.rfind('@');
    return at == std::string_view::npos ? "@" : std::string(address.substr(at));
}

} // namespace smtpauth
