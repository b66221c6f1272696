// One connection to the filter as Postfix holds it: what to send next, and what the answers mean. Commands without a
// reply travel together with the next one that has one, macros go before every command. No I/O, no clock.
//
// Source: Postfix src/milter/milter8.c; tests/captures/postfix.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/milter/mta_session.hpp"

namespace smtpauth::bench {

/// How one try to send a message ended.
enum class Outcome : std::uint8_t {
    accept,
    proceed, ///< "continue": how this filter lets mail pass
    reject,
    tempfail,
    broken, ///< the connection was lost before the answer
};

/// What all messages of a run have in common: the packets between MAIL and end of message, ready to be sent.
class MessageShape {
public:
    struct Part {
        milter::Command command;
        std::string packet;
    };

    MessageShape(std::size_t recipients, std::size_t body_bytes);

    const std::vector<Part>& parts() const { return parts_; }

private:
    std::vector<Part> parts_;
};

class LoadSession {
public:
    struct Answer {
        Outcome outcome;
        bool at_end_of_message;
    };

    /// Begins to negotiate.
    /// @param client_port  tells the client of this connection from others.
    LoadSession(const MessageShape& shape, std::uint16_t client_port);

    /// True between two messages, negotiation over.
    bool ready() const { return negotiated_ && !awaited_; }
    bool in_message() const { return in_message_; }

    /// Only while ready(). Refusals are logged without the queue id, so the sender's address bears it too.
    void begin(std::string_view queue_id, std::string_view auth_id);
    void quit();

    /// @return  the answer that ended the message, if one did.
    /// Throws std::runtime_error for an answer that an MTA would close the connection for.
    std::optional<Answer> receive(milter::Bytes bytes);

    /// Final answers so far, that of the negotiation included: each is a round trip.
    std::uint64_t replies() const { return replies_; }

    /// Octets to be sent; whoever sends them takes them away.
    std::string& output() { return output_; }

private:
    std::optional<Answer> on(const milter::ParsedReply& reply);
    void on_negotiation(const milter::Negotiate& answer);
    Answer end_message(Outcome outcome);
    void go_on();
    bool say(milter::Command command, std::string_view packet);
    void append_macros(milter::Command stage);

    const MessageShape& shape_;
    std::uint16_t client_port_;
    milter::MtaSession mta_;
    std::string output_;
    std::uint64_t replies_ = 0;
    bool negotiated_ = false;
    bool in_message_ = false;
    std::optional<milter::Command> awaited_; ///< what a reply is due to
    std::size_t part_ = 0;                   ///< the next one of the shape
    std::string queue_id_;
    std::string auth_id_;
};

} // namespace smtpauth::bench
