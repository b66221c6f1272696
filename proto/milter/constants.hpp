// The milter protocol's numbers. Names follow sendmail's libmilter/mfdef.h and mfapi.h, which this is
// learned from; docs/formats/milter.md tells what travels when.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smtpauth::milter {

/// The version that both current MTAs speak. 2 is the oldest that is still met.
inline constexpr std::uint32_t newest_version = 6;
inline constexpr std::uint32_t oldest_version = 2;

/// From the MTA (SMFIC_*).
enum class Command : char {
    negotiate = 'O',
    macros = 'D',
    connect = 'C',
    helo = 'H',
    mail = 'M',
    rcpt = 'R',
    data = 'T',
    header = 'L',
    end_of_headers = 'N',
    body = 'B',
    end_of_message = 'E',
    abort = 'A',
    quit = 'Q',
    quit_new_connection = 'K',
    unknown = 'U',
};

/// From the filter (SMFIR_*). The modifications (h i m b + - 2 e) belong to the child chain, which is not built yet.
enum class Reply : char {
    negotiate = 'O',
    proceed = 'c', ///< SMFIR_CONTINUE
    accept = 'a',
    reject = 'r',
    tempfail = 't',
    discard = 'd',
    reply_code = 'y',
    skip = 's',
    progress = 'p',
    quarantine = 'q', ///< a modification: not final
};

/// What the filter may do to a message (SMFIF_*).
namespace action {
inline constexpr std::uint32_t add_headers = 0x001;
inline constexpr std::uint32_t change_body = 0x002;
inline constexpr std::uint32_t add_recipient = 0x004;
inline constexpr std::uint32_t delete_recipient = 0x008;
inline constexpr std::uint32_t change_headers = 0x010;
inline constexpr std::uint32_t quarantine = 0x020;
inline constexpr std::uint32_t change_sender = 0x040;
inline constexpr std::uint32_t add_recipient_with_arguments = 0x080;
inline constexpr std::uint32_t set_macro_lists = 0x100; ///< SMFIF_SETSYMLIST
inline constexpr std::uint32_t version_1 = 0x00f;
inline constexpr std::uint32_t version_6 = 0x1ff;
} // namespace action

/// What travels and what is answered (SMFIP_*): no_* is not sent, no_reply_* is not answered.
namespace protocol {
inline constexpr std::uint32_t no_connect = 0x000001;
inline constexpr std::uint32_t no_helo = 0x000002;
inline constexpr std::uint32_t no_mail = 0x000004;
inline constexpr std::uint32_t no_rcpt = 0x000008;
inline constexpr std::uint32_t no_body = 0x000010;
inline constexpr std::uint32_t no_headers = 0x000020;
inline constexpr std::uint32_t no_end_of_headers = 0x000040;
inline constexpr std::uint32_t no_reply_header = 0x000080;
inline constexpr std::uint32_t no_unknown = 0x000100;
inline constexpr std::uint32_t no_data = 0x000200;
inline constexpr std::uint32_t skip = 0x000400;
inline constexpr std::uint32_t rejected_recipients = 0x000800; ///< SMFIP_RCPT_REJ
inline constexpr std::uint32_t no_reply_connect = 0x001000;
inline constexpr std::uint32_t no_reply_helo = 0x002000;
inline constexpr std::uint32_t no_reply_mail = 0x004000;
inline constexpr std::uint32_t no_reply_rcpt = 0x008000;
inline constexpr std::uint32_t no_reply_data = 0x010000;
inline constexpr std::uint32_t no_reply_unknown = 0x020000;
inline constexpr std::uint32_t no_reply_end_of_headers = 0x040000;
inline constexpr std::uint32_t no_reply_body = 0x080000;
inline constexpr std::uint32_t header_leading_space = 0x100000; ///< SMFIP_HDR_LEADSPC
inline constexpr std::uint32_t version_1 = 0x00003f;
inline constexpr std::uint32_t version_2 = 0x00007f;
inline constexpr std::uint32_t version_3 = 0x00017f;
inline constexpr std::uint32_t version_4 = 0x00037f;
inline constexpr std::uint32_t version_6 = 0x1fffff;
} // namespace protocol

/// Where a macro list belongs (SMFIM_*), as numbered in the answer to the negotiation.
enum class MacroStage : std::uint32_t {
    connect = 0,
    helo = 1,
    mail = 2,
    rcpt = 3,
    data = 4,
    end_of_message = 5,
    end_of_headers = 6,
};
inline constexpr std::size_t macro_stages = 7;

} // namespace smtpauth::milter
