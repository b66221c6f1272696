// The client's side of SMTP for one mail: bytes in, steps out. No socket, no clock, no TLS of its own. Source: RFC
// 5321; STARTTLS: RFC 3207.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "collector/alert/settings.hpp"

namespace smtpauth {

class SmtpDialogue {
public:
    /// A server may say no more than that before it is given up.
    static constexpr std::size_t max_line = 2048;
    static constexpr unsigned max_reply_lines = 100;

    struct Letter {
        std::string host;            ///< for EHLO
        std::string from;            ///< "": the null sender
        std::vector<std::string> to; ///< at least one
        std::string mail;            ///< lines with CRLF
    };

    struct Send {
        std::string bytes;
    };
    struct NeedInput {
        bool of_mail = false; ///< the answer to the whole mail: a server may take minutes over that
    };
    /// Have the connection encrypted, then call encrypted().
    struct Encrypt {};
    /// Close: see accepted() and error().
    struct Finished {};
    using Step = std::variant<Send, NeedInput, Encrypt, Finished>;

    SmtpDialogue(Letter letter, StartTls starttls) : letter_(std::move(letter)), starttls_(starttls) {}

    /// What to do now. After NeedInput: again after feed().
    Step next();

    /// Bytes of the server as they were read.
    void feed(std::string_view bytes);

    void encrypted();

    /// Something beneath failed, or the server is silent: the dialogue is over.
    /// @param what  for people, to stand behind what was said last.
    void fail(std::string_view what);

    /// The recipients that the server has taken over.
    const std::vector<std::string>& accepted() const { return accepted_; }
    /// Those that it will never take: a reply of 5xx to each by itself.
    const std::vector<std::string>& refused() const { return refused_; }
    /// Why there are others: where, what was said; "" where there are none.
    const std::string& error() const { return error_; }

    /// Encryption was begun and failed: without it there may be a way.
    bool tls_failed() const { return tls_failed_; }

    /// What came in the way, apart from single recipients.
    enum class Failure {
        none,
        server,       ///< before any mail was spoken of: so it would be with every mail
        mail,         ///< this mail, this time
        mail_for_good ///< this mail: 5xx
    };
    Failure failure() const { return failure_; }

private:
    enum class State { greeting, ehlo, helo, starttls, encrypting, mail, rcpt, data, body, over };

    struct Reply {
        int code = 0;
        std::vector<std::string> lines; ///< without code
    };

    std::optional<Reply> take_reply();
    void take(const Reply& reply);
    void take_recipient(const Reply& reply);
    void say(State state, std::string command);
    void say_ehlo();
    void begin_mail();
    void refuse(const Reply& reply);
    static std::string text_of(const Reply& reply);
    void note(std::string_view error);
    void end();

    Letter letter_;
    StartTls starttls_;
    State state_ = State::greeting;
    bool is_encrypted_ = false;
    std::string said_ = "connecting"; ///< the last command, for messages
    std::string to_send_;
    std::string input_;
    Reply reply_;                       ///< as far as it has come
    std::size_t recipient_ = 0;         ///< the one that was named last
    std::vector<std::string> promised_; ///< taken at RCPT
    std::vector<std::string> accepted_;
    std::vector<std::string> refused_;
    std::string error_;
    Failure failure_ = Failure::none;
    bool tls_failed_ = false;
};

} // namespace smtpauth
