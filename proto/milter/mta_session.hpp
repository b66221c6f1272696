// The MTA's side of one connection to a filter: what the test MTA, the load generator and the child chain are made
// of. Builds the bytes to send and tells whether a reply will come; no I/O.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <variant>

#include "proto/milter/command.hpp"
#include "proto/milter/negotiation.hpp"
#include "proto/milter/packet_decoder.hpp"
#include "proto/milter/reply.hpp"
#include "proto/milter/session_table.hpp"

namespace smtpauth::milter {

class MtaSession {
public:
    explicit MtaSession(const Negotiate& offer) : offer_(offer) {}

    /// Appends the offer; the answer comes through next_reply() and has to be given to accept_negotiation().
    void append_offer(std::string& out) const { append_command(out, offer_); }

    /// Malformed: the filter answered what no MTA would take; close.
    std::optional<Malformed> accept_negotiation(const Negotiate& answer)
    {
        auto checked = check_negotiation(offer_, answer);
        if (auto* error = std::get_if<Malformed>(&checked))
            return std::move(*error);
        agreement_ = std::get<Agreement>(checked);
        macro_lists_ = read_macro_lists(answer.macro_lists);
        return std::nullopt;
    }

    const Agreement& agreement() const { return agreement_; }

    /// Names separated by blanks; empty: the filter left the MTA's own list in force.
    const std::string& macro_list(MacroStage stage) const { return macro_lists_[static_cast<std::size_t>(stage)]; }

    /// False: the filter does not want this command, so it is not sent (its macros are).
    bool wanted(Command command) const;

    /// True: exactly one final reply will come (and perhaps SMFIR_PROGRESS before it).
    bool expects_reply(Command command) const { return reply_due(static_cast<char>(command), agreement_.protocol); }

    void receive(Bytes bytes) { replies_.feed(bytes); }

    /// Nothing: receive() more.
    std::optional<std::variant<Malformed, ParsedReply>> next_reply();

private:
    Negotiate offer_;
    Agreement agreement_;
    std::array<std::string, macro_stages> macro_lists_;
    PacketDecoder replies_;
};

} // namespace smtpauth::milter
