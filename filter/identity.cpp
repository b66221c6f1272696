#include "filter/identity.hpp"

#include <optional>
#include <string_view>

namespace smtpauth {

namespace {

/// Sendmail gives the subject of any certificate and says in {verify} whether it is to be believed; Postfix gives the
/// subject only of a trusted one and knows no {verify}.
std::optional<std::string_view> trusted_subject(const milter::MacroTable& macros)
{
    const auto verify = macros.find("{verify}");
    if (verify && *verify != "OK")
        return std::nullopt;
    return macros.find("{cert_subject}");
}

std::string raw_identity(const milter::MacroTable& macros, Identity source)
{
    switch (source) {
    case Identity::auth_authen:
        return std::string(macros.find("{auth_authen}").value_or(""));
    case Identity::cert_subject:
        if (const auto subject = trusted_subject(macros); subject && !subject->empty())
            return "cert:" + std::string(*subject);
        return {};
    }
    return {};
}

} // namespace

Account find_account(const milter::MacroTable& macros, const std::vector<Identity>& sources,
                     const IdNormalizer& normalize)
{
    for (const Identity source : sources) {
        std::string raw = raw_identity(macros, source);
        if (raw.empty())
            continue;
        Account account{normalize(raw), {}};
        if (account.id != raw)
            account.raw = std::move(raw);
        return account;
    }
    return {};
}

} // namespace smtpauth
