// What the filter tells the collector: one Record per message, refusal or loss. Plain data;
// codec.hpp turns it into bytes, docs/formats/stream.md describes them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "proto/packed_strings.hpp"

namespace smtpauth::event {

using Milliseconds = std::chrono::milliseconds;

/// UTC, to the millisecond. Local time is made only where a log line is written.
using Time = std::chrono::sys_time<Milliseconds>;

enum class RecordType : std::uint8_t {
    message = 1,     ///< an end of message that the filter answered
    refusal = 2,     ///< a command before end of message that the filter refused
    attempt = 3,     ///< a message that came to no end, of whose recipients the MTA itself had refused some
    block = 4,       ///< `auth_id` may not send until `until`, or would not (none); `rule` says by whom, `reason` why
    unblock = 5,     ///< it may again, and is watched until `until`; what it was charged is forgotten
    void_record = 6, ///< nothing to log: message `voids` was answered otherwise than its own record says
    loss = 7,        ///< records that could not be kept
};

/// What became of the mail. accept and warn let it pass, the others do not.
enum class Action : std::uint8_t { accept = 0, warn = 1, hold = 2, reject = 3, tempfail = 4, discard = 5 };

/// The SMTP command that was answered.
enum class Stage : std::uint8_t { mail = 1, rcpt = 2, eom = 3 };

/// Text is as the MTA sent it, unescaped, possibly with any byte but NUL; "" where unknown.
struct Record {
    RecordType type = RecordType::message;
    Action action = Action::accept;
    Stage stage = Stage::eom;

    std::string client_address;    // IPv4 dotted or IPv6 compressed, never "IPv6:" or mapped; a path for UNIX clients
    std::uint16_t client_port = 0; // 0: the MTA did not tell
    Time connect_time{};           // when the MTA announced the client
    std::string auth_id;           // the identity, normalised; "" without one
    std::string auth_id_raw;       // as typed, only where it differs from auth_id
    std::optional<std::string>
        sender;                      // envelope sender without brackets, "" is the null sender; absent: none was given
    Time eom_time{};                 // when the decision fell: end of message, or the refused command
    PackedStrings recipients;        // accepted by the MTA, without brackets, in SMTP order
    std::uint32_t rcpt_unlisted = 0; // accepted like those, but beyond the limit on what is kept
    std::uint32_t rcpt_refused = 0;  // recipients that the MTA itself refused
    std::optional<std::uint64_t> size_bytes; // as the client sent it, with CRLF; or the MTA's {msg_size}
    std::string queue_id;                    // macro i
    std::string country;                     // ISO 3166-1 alpha-2
    std::uint32_t asn = 0;                   // 0: unknown
    std::string rule;                        // which rule acted or would have acted
    std::string reason;                      // the answer's text, or the arithmetic, for people

    Time until{};            // block, unblock: see there
    std::uint64_t voids = 0; // void: sequence number of a message in the same journal
    std::uint64_t count = 1; // loss: how many records; folded refusals: how many refusals

    bool operator==(const Record&) const = default;
};

/// Recipients that the MTA accepted, kept or not.
inline std::uint64_t recipient_count(const Record& record)
{
    return record.recipients.size() + std::uint64_t{record.rcpt_unlisted};
}

/// A record of mail: others tell of accounts, or of records.
constexpr bool is_of_mail(RecordType type)
{
    return type == RecordType::message || type == RecordType::refusal;
}

/// True where the mail went on to its recipients: the stats log's lines, and the only ones.
constexpr bool passed(const Record& record)
{
    return record.type == RecordType::message && record.action <= Action::warn;
}

} // namespace smtpauth::event
