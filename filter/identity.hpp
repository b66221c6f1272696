// Whose mail it is: the account's name, from the macros of MAIL.
#pragma once

#include <string>
#include <vector>

#include "filter/config.hpp"
#include "proto/milter/macros.hpp"

namespace smtpauth {

struct Account {
    std::string id;  ///< normalised; "" without SMTP AUTH or certificate
    std::string raw; ///< as the client gave it, only where it differs from id
};

/// @param sources  the first that has a value names the account.
Account find_account(const milter::MacroTable& macros, const std::vector<Identity>& sources,
                     const IdNormalizer& normalize);

} // namespace smtpauth
