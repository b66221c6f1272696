// The order of the protocol in one table. Lenient where MTAs differ (any command may be missing because of the
// negotiated flags, MAIL may follow an open message), strict where an answer could go to the wrong command.
// Source: docs/formats/milter.md, "Order and state".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/milter/constants.hpp"

namespace smtpauth::milter {

enum class State : std::uint8_t {
    fresh,      ///< nothing negotiated
    idle,       ///< no message open
    in_message, ///< from MAIL on
};

struct Transition {
    State from;
    std::string_view commands; ///< any of these
    State to;
};

inline constexpr std::array transitions{
    Transition{State::fresh, "O", State::idle},
    Transition{State::fresh, "Q", State::fresh},
    Transition{State::idle, "DCHUAKQ", State::idle}, // Postfix sends ABORT after every message, also when none is open
    Transition{State::idle, "M", State::in_message},
    Transition{State::in_message, "DMRTLNBU", State::in_message}, // Sendmail may open the next message without ABORT
    Transition{State::in_message, "EACHKQ", State::idle},
};

/// Nothing: the command is out of order there.
constexpr std::optional<State> next_state(State from, char command)
{
    for (const Transition& transition : transitions)
        if (transition.from == from && transition.commands.find(command) != std::string_view::npos)
            return transition.to;
    return std::nullopt;
}

static_assert(!next_state(State::fresh, 'M'), "no mail before negotiation");
static_assert(!next_state(State::idle, 'O'), "a second negotiation would be answered twice");
static_assert(!next_state(State::idle, 'E'), "no end of a message that was not begun");

/// How a command is answered.
struct ReplyDuty {
    Command command;
    std::uint32_t unless; ///< the protocol bit that takes the duty away; 0: always due
};

inline constexpr std::array reply_duties{
    ReplyDuty{Command::connect, protocol::no_reply_connect},
    ReplyDuty{Command::helo, protocol::no_reply_helo},
    ReplyDuty{Command::mail, protocol::no_reply_mail},
    ReplyDuty{Command::rcpt, protocol::no_reply_rcpt},
    ReplyDuty{Command::data, protocol::no_reply_data},
    ReplyDuty{Command::header, protocol::no_reply_header},
    ReplyDuty{Command::end_of_headers, protocol::no_reply_end_of_headers},
    ReplyDuty{Command::body, protocol::no_reply_body},
    ReplyDuty{Command::unknown, protocol::no_reply_unknown},
    ReplyDuty{Command::end_of_message, 0},
};

/// True if the filter owes an answer to this command under these protocol bits.
constexpr bool reply_due(char command, std::uint32_t protocol_bits)
{
    for (const ReplyDuty& duty : reply_duties)
        if (static_cast<char>(duty.command) == command)
            return (protocol_bits & duty.unless) == 0;
    return false;
}

} // namespace smtpauth::milter
