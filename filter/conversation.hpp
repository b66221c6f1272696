// One MTA connection without its socket: bytes in, replies and records out. Asks the checks, gathers the record,
// and holds an answer back until its record is safe. Judges nothing itself and does no I/O (connection_set.hpp does).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "filter/policy/reservations.hpp"
#include "filter/profile.hpp"
#include "filter/site.hpp"
#include "proto/event/record.hpp"
#include "proto/milter/message_size.hpp"
#include "proto/milter/session.hpp"

namespace smtpauth {

class Conversation {
public:
    /// All that was received is dealt with: write output(), then receive() more.
    struct Idle {};

    /// A decision fell: journal the record, and call committed() when it is as safe as it has to be. Nothing of the
    /// decision's answer is in output() before.
    struct Commit {
        const event::Record& record; ///< until committed()
        bool waits;                  ///< false: a refusal, whose answer need not wait for a disk
    };

    /// Write output(), then close. The error is empty after an orderly end.
    struct Close {
        std::string error;
    };

    using Step = std::variant<Idle, Commit, Close>;

    /// @param site  outlives the conversation, as does size_source.
    Conversation(const Site& site, SizeSource& size_source);
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    /// Takes bytes as they were read; only borrowed, until next() returned Idle or Close, or keep_rest().
    void receive(milter::Bytes bytes) { session_.receive(bytes); }

    /// Copies what was received and not yet taken: before a wait during which the bytes go.
    void keep_rest() { session_.keep_rest(); }

    Step next();

    /// The record of the message that waits.
    const event::Record& message() const { return *record_; }

    /// The last Commit's record is safe: its answer goes to output().
    void committed();

    /// It is not, and the mail may not pass without: the MTA is told to try again.
    void not_committed();

    /// Keeps the MTA waiting for the answer to a Commit that waits: else it gives this filter up after a while.
    void keep_waiting() { session_.progress(); }

    /// Replies to be written; the owner clears it.
    std::string& output() { return session_.output(); }

    /// The connection is gone, perhaps in mid-message.
    void lost() { end_message(); }

    /// From MAIL to end of message: a stopping filter lets it finish.
    bool in_message() const { return session_.state() == milter::State::in_message; }

    /// The stream ended: true if inside a packet.
    bool in_packet() const { return session_.in_packet(); }

    bool negotiated() const { return session_.state() != milter::State::fresh; }

    /// Octets of memory that the MTA makes this connection hold.
    std::size_t held_bytes() const { return session_.held_bytes() + (record_ ? record_->recipients.size_bytes() : 0); }

private:
    const Site& site_;
    SizeSource& size_source_;
    milter::Session session_;

    struct Client {
        std::string address; ///< "" unknown
        std::uint16_t port = 0;
        event::Time connect_time{};
        Place place;
        bool speaks_smtp = true; ///< false: Postfix got the mail otherwise, as from its sendmail command
    };
    Client client_;

    std::unique_ptr<event::Record> record_;    ///< of the open message: an idle connection holds none
    std::unique_ptr<event::Record> refusal_;   ///< of a command of it that is being refused: of few connections
    std::unique_ptr<Reservation> reservation_; ///< of recipients that were accepted one by one
    milter::MessageSize size_;
    Verdict verdict_; ///< of the pending Commit

    // One per kind of command. A Step ends the turn; none: the command was answered.
    using Turn = std::optional<Step>;
    Turn on(const milter::Connect& connect);
    Turn on(const milter::Mail& mail);
    Turn on(const milter::Rcpt& rcpt);
    Turn on(const milter::Header& header);
    Turn on(const milter::Body& body);
    Turn on(const milter::EndOfMessage& end);
    Turn on(const milter::QuitNewConnection& quit);
    template <class Other>
    Turn on(const Other& other);

    void begin_client();
    void begin_message();
    void end_message();
    bool may_refuse_recipients() const;
    Verdict judge_recipient(std::string_view recipient);
    void block_if_due(const event::Record& record, const Verdict& verdict);
    void proceed() { session_.answer({}); }
    Turn refuse(Verdict verdict, event::Stage stage, std::optional<std::string_view> recipient = {});
    static void set_verdict(event::Record& record, const Verdict& verdict);
    void read_size();
};

} // namespace smtpauth
