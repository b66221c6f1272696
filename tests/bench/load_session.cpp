#include "tests/bench/load_session.hpp"

#include <algorithm>
#include <initializer_list>
#include <stdexcept>
#include <utility>
#include <variant>

#include "proto/milter/wire.hpp"
#include "tests/support/macro_choice.hpp"

namespace smtpauth::bench {

namespace {

using namespace milter;

/// Postfix sends the body in pieces of this size. Source: Postfix src/milter/milter8.c.
constexpr std::size_t body_chunk = 65535;
constexpr std::size_t body_line = 70;

template <class Value>
std::string packet_of(const Value& command)
{
    std::string packet;
    append_command(packet, command);
    return packet;
}

/// Lines as of a text, CRLF included in the octets asked for.
std::string body_of(std::size_t bytes)
{
    std::string body;
    while (body.size() < bytes)
        body.append(std::min(body_line, bytes - body.size()), 'x').append("\r\n");
    body.resize(bytes);
    return body;
}

std::string pairs_of(std::initializer_list<std::pair<std::string_view, std::string_view>> macros)
{
    std::string pairs;
    for (const auto& [name, value] : macros) {
        append_string(pairs, name);
        append_string(pairs, value);
    }
    return pairs;
}

bool is_content(Command command)
{
    return command == Command::header || command == Command::end_of_headers || command == Command::body;
}

Outcome refusal(const ParsedReply& reply)
{
    if (reply.reply == Reply::tempfail || (reply.reply == Reply::reply_code && reply.text.starts_with('4')))
        return Outcome::tempfail;
    return Outcome::reject;
}

} // namespace

MessageShape::MessageShape(std::size_t recipients, std::size_t body_bytes)
{
    for (std::size_t at = 0; at < recipients; ++at)
        parts_.push_back({Command::rcpt, packet_of(Rcpt{"<rcpt-" + std::to_string(at) + "@example.net>", {}})});
    parts_.push_back({Command::data, packet_of(Command::data)});
    for (const auto& [name, value] : {std::pair("From", " load <load@example.com>"), std::pair("Subject", " load"),
                                      std::pair("Message-Id", " <load@example.com>")})
        parts_.push_back({Command::header, packet_of(Header{name, value})});
    parts_.push_back({Command::end_of_headers, packet_of(Command::end_of_headers)});
    const std::string body = body_of(body_bytes);
    for (std::size_t at = 0; at < body.size(); at += body_chunk)
        parts_.push_back({Command::body, packet_of(Body{Bytes(body).substr(at, body_chunk)})});
}

LoadSession::LoadSession(const MessageShape& shape, std::uint16_t client_port)
    : shape_(shape),
      client_port_(client_port),
      mta_({newest_version, action::version_6, protocol::version_6, {}}),
      awaited_(Command::negotiate)
{
    mta_.append_offer(output_);
}

void LoadSession::begin(std::string_view queue_id, std::string_view auth_id)
{
    queue_id_ = queue_id;
    auth_id_ = auth_id;
    in_message_ = true;
    part_ = 0;
    const std::string sender = "<" + queue_id_ + "@example.com>";
    if (!say(Command::mail, packet_of(Mail{sender, {}})))
        go_on();
}

void LoadSession::quit()
{
    append_command(output_, Command::quit);
}

std::optional<LoadSession::Answer> LoadSession::receive(Bytes bytes)
{
    mta_.receive(bytes);
    std::optional<Answer> answer;
    while (const auto reply = mta_.next_reply()) {
        if (const auto* error = std::get_if<Malformed>(&*reply))
            throw std::runtime_error(error->error);
        if (const auto ended = on(std::get<ParsedReply>(*reply)))
            answer = ended;
    }
    return answer;
}

std::optional<LoadSession::Answer> LoadSession::on(const ParsedReply& reply)
{
    if (reply.reply == Reply::progress || reply.reply == Reply::quarantine)
        return std::nullopt;
    if (!awaited_)
        throw std::runtime_error("a reply that no command awaits");
    const Command answered = *std::exchange(awaited_, std::nullopt);
    ++replies_;
    if ((answered == Command::negotiate) != (reply.reply == Reply::negotiate))
        throw std::runtime_error("a reply of another kind than awaited to " +
                                 command_name(static_cast<char>(answered)));
    if (answered == Command::negotiate) {
        on_negotiation(reply.negotiate);
        return std::nullopt;
    }
    if (!in_message_ && reply.reply != Reply::proceed)
        throw std::runtime_error("the client is refused");

    switch (reply.reply) {
    case Reply::proceed:
    case Reply::skip:
        if (answered == Command::end_of_message)
            return end_message(Outcome::proceed);
        if (in_message_)
            go_on();
        return std::nullopt;
    case Reply::accept:
        return end_message(Outcome::accept);
    default:
        return end_message(refusal(reply));
    }
}

/// @return  what ended; Postfix sends ABORT after every message, whatever became of it.
LoadSession::Answer LoadSession::end_message(Outcome outcome)
{
    const bool at_end = part_ > shape_.parts().size();
    in_message_ = false;
    append_command(output_, Command::abort);
    return {outcome, at_end};
}

void LoadSession::on_negotiation(const Negotiate& answer)
{
    if (const auto error = mta_.accept_negotiation(answer))
        throw std::runtime_error(error->error);
    negotiated_ = true;
    say(Command::connect, packet_of(Connect{"client.example.net", Family::ipv4, client_port_, "192.0.2.7"}));
}

/// As far as it goes without an answer.
void LoadSession::go_on()
{
    while (part_ < shape_.parts().size()) {
        const MessageShape::Part& part = shape_.parts()[part_++];
        if (say(part.command, part.packet))
            return;
    }
    ++part_;
    say(Command::end_of_message, packet_of(EndOfMessage{}));
}

/// @return  true where a reply is due.
bool LoadSession::say(Command command, std::string_view packet)
{
    const bool wanted = mta_.wanted(command);
    // Macros of a command go out even where it does not, but for those of the content.
    if (wanted || !is_content(command))
        append_macros(command);
    if (!wanted)
        return false;
    output_ += packet;
    if (!mta_.expects_reply(command))
        return false;
    awaited_ = command;
    return true;
}

/// What Postfix knows at this stage, as far as the filter asked for it.
void LoadSession::append_macros(Command stage)
{
    std::string pairs;
    switch (stage) {
    case Command::connect:
        pairs = pairs_of({{"j", "mx.example.com"}, {"{daemon_name}", "load"}});
        break;
    case Command::mail:
        pairs = pairs_of({{"{auth_type}", "PLAIN"}, {"{auth_authen}", auth_id_}});
        break;
    case Command::rcpt:
        pairs = pairs_of({{"{rcpt_mailer}", "smtp"}});
        break;
    case Command::data:
    case Command::header:
    case Command::end_of_headers:
    case Command::body:
    case Command::end_of_message:
        pairs = pairs_of({{"i", queue_id_}});
        break;
    default:
        return;
    }
    pairs = test::asked_for(mta_, static_cast<char>(stage), pairs);
    if (!pairs.empty())
        append_command(output_, Macros{static_cast<char>(stage), pairs});
}

} // namespace smtpauth::bench
