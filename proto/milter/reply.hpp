// What a filter says, as bytes: encoded for the filter's role, taken apart for the MTA's. The modifications
// of a message (h i m b + - 2 e) are the child chain's and will stand here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "proto/milter/command.hpp"
#include "proto/milter/constants.hpp"
#include "proto/milter/packet_decoder.hpp"

namespace smtpauth::milter {

/// A final answer to one command.
struct Answer {
    enum class Kind : std::uint8_t {
        proceed,    ///< SMFIR_CONTINUE; at end of message: the message passes
        accept,     ///< not asked again for this message (at CONNECT and HELO: this session)
        reject,     ///< with the MTA's own text
        tempfail,   ///< with the MTA's own text
        discard,    ///< swallowed; not at CONNECT and HELO
        reply_code, ///< with text
        hold,       ///< quarantine, text is the reason; end of message only, and only if negotiated
        skip,       ///< no more BODY; only if negotiated
    };
    Kind kind = Kind::proceed;
    /// reply_code: "550 5.7.1 Access denied", lines separated by LF, each with its code added by smtp_reply().
    std::string_view text = {};
};

/// The lines of an SMTP reply for Answer::reply_code, always well formed: the code goes on every line, and so does an
/// enhanced status code with which the text begins; what is not printable ASCII becomes '?'; lines are cut at 980
/// octets and after 32 lines (libmilter's limits). An enhanced code of another class than the code's is not repaired:
/// settings that hold one are refused when they are read.
/// @param code  400 to 599.
/// @param text  one or several lines separated by LF.
std::string smtp_reply(int code, std::string_view text);

/// Appends the packets of an answer; a '%' of a reply code's text is doubled, because Sendmail takes it for a format.
void append_answer(std::string& out, const Answer& answer);

/// Restarts the MTA's read timer while it waits at end of message (SMFIR_PROGRESS).
void append_progress(std::string& out);

/// A reply as the MTA's role sees it.
struct ParsedReply {
    Reply reply;
    Negotiate negotiate; ///< of Reply::negotiate
    std::string text;    ///< of reply_code, with single '%' again, and of quarantine
};

/// A modification's packet is malformed here: nothing of ours sends one yet.
std::variant<Malformed, ParsedReply> parse_reply(const Packet& packet);

} // namespace smtpauth::milter
