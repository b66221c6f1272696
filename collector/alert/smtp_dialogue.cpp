#include "collector/alert/smtp_dialogue.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include <fmt/format.h>

#include "common/escape.hpp"

namespace smtpauth {

namespace {

/// Of a server's words that are repeated.
constexpr std::size_t longest_repeated = 200;

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/// A line of a reply: three digits, then " " or "-" or nothing.
bool is_reply_line(std::string_view line)
{
    return line.size() >= 3 && is_digit(line[0]) && is_digit(line[1]) && is_digit(line[2]) &&
           (line.size() == 3 || line[3] == ' ' || line[3] == '-');
}

bool is_starttls(std::string_view line)
{
    constexpr std::string_view keyword = "STARTTLS";
    return line.size() == keyword.size() && std::equal(line.begin(), line.end(), keyword.begin(), [](char a, char b) {
               return std::toupper(static_cast<unsigned char>(a)) == b;
           });
}

/// As it stands behind DATA: dots at the beginning of lines doubled, the final dot.
std::string dot_stuffed(std::string_view mail)
{
    std::string data;
    data.reserve(mail.size() + 16);
    bool line_begins = true;
    for (const char c : mail) {
        if (line_begins && c == '.')
            data += '.';
        data += c;
        line_begins = c == '\n';
    }
    return data += line_begins ? ".\r\n" : "\r\n.\r\n";
}

} // namespace

SmtpDialogue::Step SmtpDialogue::next()
{
    for (;;) {
        if (!to_send_.empty())
            return Send{std::exchange(to_send_, {})};
        if (state_ == State::over)
            return Finished{};
        if (state_ == State::encrypting)
            return Encrypt{};
        const auto reply = take_reply();
        if (!reply)
            return state_ == State::over ? Step(Finished{}) : Step(NeedInput{state_ == State::body});
        take(*reply);
    }
}

void SmtpDialogue::feed(std::string_view bytes)
{
    input_.append(bytes);
}

/// A whole reply, or nothing: more input is needed, or the dialogue is over.
std::optional<SmtpDialogue::Reply> SmtpDialogue::take_reply()
{
    for (;;) {
        const std::size_t end = input_.find('\n');
        if (end == std::string::npos ? input_.size() > max_line : end > max_line) {
            fail(fmt::format("a line of more than {} octets", max_line));
            return std::nullopt;
        }
        if (end == std::string::npos)
            return std::nullopt;
        std::string line = input_.substr(0, end);
        input_.erase(0, end + 1);
        if (line.ends_with('\r'))
            line.pop_back();
        if (!is_reply_line(line)) {
            fail(fmt::format("\"{}\", expected a reply such as \"250 ok\"", line.substr(0, longest_repeated)));
            return std::nullopt;
        }
        if (reply_.lines.size() >= max_reply_lines) {
            fail(fmt::format("a reply of more than {} lines", max_reply_lines));
            return std::nullopt;
        }
        reply_.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
        reply_.lines.push_back(line.size() > 4 ? line.substr(4) : std::string());
        if (line.size() == 3 || line[3] == ' ')
            return std::exchange(reply_, {});
    }
}

void SmtpDialogue::take(const Reply& reply)
{
    const bool good = reply.code / 100 == 2;
    switch (state_) {
    case State::greeting:
        return good ? say_ehlo() : refuse(reply);
    case State::ehlo:
        if (!good && reply.code / 100 == 5 && !is_encrypted_ && starttls_ != StartTls::required)
            return say(State::helo, "HELO " + letter_.host);
        if (!good)
            return refuse(reply);
        if (is_encrypted_ || starttls_ == StartTls::off)
            return begin_mail();
        if (std::any_of(reply.lines.begin() + 1, reply.lines.end(), is_starttls))
            return say(State::starttls, "STARTTLS");
        if (starttls_ == StartTls::required)
            return fail("no STARTTLS, which starttls = \"required\" asks for");
        return begin_mail();
    case State::helo:
        return good ? begin_mail() : refuse(reply);
    case State::starttls:
        // What was sent before the keys were agreed on may be anybody's: RFC 3207, 4.2 and 6.
        if (good && !input_.empty())
            return fail("more than a reply");
        if (good)
            state_ = State::encrypting;
        else if (starttls_ == StartTls::required)
            refuse(reply);
        else
            begin_mail();
        return;
    case State::mail:
        if (!good)
            return refuse(reply);
        return say(State::rcpt, fmt::format("RCPT TO:<{}>", letter_.to[recipient_]));
    case State::rcpt:
        return take_recipient(reply);
    case State::data:
        if (reply.code != 354)
            return refuse(reply);
        said_ = "the mail";
        state_ = State::body;
        to_send_ = dot_stuffed(letter_.mail);
        return;
    case State::body:
        if (!good)
            return refuse(reply);
        accepted_ = promised_;
        return end();
    case State::encrypting:
    case State::over:
        return;
    }
}

void SmtpDialogue::take_recipient(const Reply& reply)
{
    if (reply.code == 421) // the server goes away
        return refuse(reply);
    if (reply.code / 100 == 2)
        promised_.push_back(letter_.to[recipient_]);
    else
        note(text_of(reply));
    if (reply.code / 100 == 5)
        refused_.push_back(letter_.to[recipient_]);
    if (++recipient_ < letter_.to.size())
        return say(State::rcpt, fmt::format("RCPT TO:<{}>", letter_.to[recipient_]));
    if (promised_.empty())
        return end();
    say(State::data, "DATA");
}

void SmtpDialogue::encrypted()
{
    is_encrypted_ = true;
    say_ehlo();
}

void SmtpDialogue::say(State state, std::string command)
{
    state_ = state;
    to_send_ = command + "\r\n";
    said_ = std::move(command);
}

void SmtpDialogue::say_ehlo()
{
    say(State::ehlo, "EHLO " + letter_.host);
}

void SmtpDialogue::begin_mail()
{
    say(State::mail, fmt::format("MAIL FROM:<{}>", letter_.from));
}

/// Ends the dialogue.
void SmtpDialogue::refuse(const Reply& reply)
{
    const bool of_mail = state_ == State::mail || state_ == State::data || state_ == State::body;
    failure_ = !of_mail || reply.code == 421 ? Failure::server
               : reply.code / 100 == 5       ? Failure::mail_for_good
                                             : Failure::mail;
    note(text_of(reply));
    end();
}

std::string SmtpDialogue::text_of(const Reply& reply)
{
    std::string text = fmt::format("{}", reply.code);
    for (const std::string& line : reply.lines)
        text += ' ' + line;
    return text.substr(0, longest_repeated);
}

/// Of recipients there may be several.
void SmtpDialogue::note(std::string_view error)
{
    error_ += fmt::format("{}{}: {}", error_.empty() ? "" : "; ", escape_controls(said_), escape_controls(error));
}

void SmtpDialogue::end()
{
    to_send_ = "QUIT\r\n"; // nobody waits for the answer
    state_ = State::over;
}

void SmtpDialogue::fail(std::string_view what)
{
    to_send_.clear();
    if (state_ == State::over) // all that counts was said
        return;
    // A filter that dies of a mail, or sleeps over it, does so of that mail.
    tls_failed_ = state_ == State::encrypting;
    failure_ = state_ == State::body ? Failure::mail : Failure::server;
    state_ = State::over;
    note(what);
}

} // namespace smtpauth
