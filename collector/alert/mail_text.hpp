// A notice as a mail (RFC 5322, MIME): headers around text. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collector/alert/alarm_text.hpp"

namespace smtpauth {

struct MailAddresses {
    std::string from; ///< for the header
    std::vector<std::string> to;
};

/// The whole mail, lines ended by CRLF, none longer than RFC 5322 allows; ASCII only, so that any server takes it.
/// The same notice gives the same mail, Message-ID and Date too, whenever it is tried.
std::string mail_of(const Notice& notice, const AlarmPlace& place, const MailAddresses& addresses);

/// The same, for a server that refused it as it was: what a filter of mail looks at are mostly addresses, and whom an
/// account sends to is for its thief to choose.
Notice without_recipients(Notice notice);

/// "Sun, 01 Mar 2026 12:34:56 +0000"
std::string mail_date(std::chrono::sys_seconds time);

/// As the text of a header: ASCII as it is, else as encoded words (RFC 2047), folded.
std::string header_text(std::string_view text);

/// RFC 4648, 4.
std::string base64(std::string_view bytes);

} // namespace smtpauth
