// The filter's side of one MTA connection: keeps the order of commands, the macros and the duty to reply, so that
// its owner only judges. Bytes in, steps and bytes out; no I/O, no clock, no policy.
//
//     session.receive(bytes);
//     for (;;) { auto step = session.next(); ... session.answer(...); }   then write session.output()
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "proto/milter/command.hpp"
#include "proto/milter/macros.hpp"
#include "proto/milter/negotiation.hpp"
#include "proto/milter/packet_decoder.hpp"
#include "proto/milter/reply.hpp"
#include "proto/milter/session_table.hpp"

namespace smtpauth::milter {

struct SessionLimits {
    std::uint32_t max_packet_bytes = PacketDecoder::default_max_length;
    std::size_t max_macro_bytes = std::size_t{256} * 1024; ///< of all stages together
    /// Of one stage: every look-up goes over them. Sendmail's own limit is 50, and filters ask for a handful.
    std::size_t max_macros = 128;
    std::size_t max_idle_packets = 1000; ///< in a row outside a message: no progress
};

/// Nothing whole is left: receive() more.
struct NeedInput {};

/// The connection is over. An empty error: orderly (QUIT). Otherwise what was found and what was expected.
struct Closed {
    std::string error;
};

/// The owner's turn: a command, never Malformed, Negotiate, Macros or Quit. Must be followed by one answer(); its
/// views last until then.
struct Received {
    ParsedCommand command;
    bool drops_message; ///< a message was open and ends here without end of message (ABORT, MAIL, HELO, ...)
};

using Step = std::variant<NeedInput, Closed, Received>;

class Session {
public:
    /// @param wish  referenced, not copied: the profile of many connections.
    explicit Session(const Wish& wish, const SessionLimits& limits = {})
        : wish_(&wish),
          limits_(limits),
          decoder_(limits.max_packet_bytes)
    {
    }

    /// Takes bytes as they were read. Only borrowed: until next() returned NeedInput, or keep_rest().
    void receive(Bytes bytes) { decoder_.feed(bytes); }

    Step next();

    /// Answers the last Received. Where no reply is due (ABORT, or by the negotiated flags) nothing is sent, so that
    /// the owner can answer everything alike; a refusal there is void.
    void answer(const Answer& answer);

    /// Keeps the MTA waiting at end of message, before answer().
    void progress() { append_progress(output_); }

    /// A reply to the last Received will be sent.
    bool reply_is_due() const { return reply_due_; }

    /// Copies what was received and not yet taken, so that the bytes may go.
    void keep_rest() { decoder_.keep_rest(); }

    /// Replies to be written; the owner clears it.
    std::string& output() { return output_; }

    const Agreement& agreement() const { return agreement_; }
    const MacroTable& macros() const { return macros_; }
    State state() const { return state_; }

    /// The stream ended: true if inside a packet.
    bool in_packet() const { return decoder_.in_packet(); }

    /// Octets of memory that the MTA makes this session hold.
    std::size_t held_bytes() const { return decoder_.held_bytes() + macros_.size_bytes() + output_.capacity(); }

private:
    const Wish* wish_;
    SessionLimits limits_;
    PacketDecoder decoder_;
    MacroTable macros_;
    Agreement agreement_;
    State state_ = State::fresh;
    std::size_t idle_packets_ = 0; ///< since a message was open
    Command last_ = Command::quit;
    bool reply_due_ = false;
    std::string output_;

    /// A step for the owner, or NeedInput where the session dealt with the packet itself.
    Step take(const Packet& packet);
    Step start(const Negotiate& offer);
};

} // namespace smtpauth::milter
