#include "proto/milter/session.hpp"

#include <algorithm>

namespace smtpauth::milter {

namespace {

/// After this answer the MTA sends nothing more of the message, but perhaps ABORT.
bool ends_message(Command answered, Answer::Kind kind)
{
    switch (kind) {
    case Answer::Kind::proceed:
    case Answer::Kind::skip:
    case Answer::Kind::hold:
        return false;
    case Answer::Kind::reject:
    case Answer::Kind::tempfail:
    case Answer::Kind::reply_code: // one recipient, one unknown command: the message goes on
        return answered != Command::rcpt && answered != Command::unknown;
    case Answer::Kind::accept:
        return true;
    case Answer::Kind::discard:
        return answered != Command::unknown;
    }
    return false;
}

} // namespace

Step Session::next()
{
    while (const auto packet = decoder_.next()) {
        Step step = take(*packet);
        if (!std::holds_alternative<NeedInput>(step))
            return step;
    }
    if (decoder_.failed())
        return Closed{decoder_.error()};
    return NeedInput{};
}

Step Session::take(const Packet& packet)
{
    ParsedCommand command = parse_command(packet);
    if (auto* error = std::get_if<Malformed>(&command))
        return Closed{std::move(error->error)};
    const auto to = next_state(state_, packet.command);
    if (!to)
        return Closed{"milter " + command_name(packet.command) + " out of order, expected " +
                      (state_ == State::fresh  ? "OPTNEG first"
                       : state_ == State::idle ? "MAIL or another command outside a message"
                                               : "a command of the open message")};
    idle_packets_ = *to == State::in_message ? 0 : idle_packets_ + 1;
    if (idle_packets_ > limits_.max_idle_packets)
        return Closed{"more than " + std::to_string(limits_.max_idle_packets) + " milter packets without a message"};
    if (const auto* offer = std::get_if<Negotiate>(&command))
        return start(*offer);
    if (const auto* macros = std::get_if<Macros>(&command)) {
        if (macros->pairs.size() > limits_.max_macros) { // else there are not so many in it
            const auto count =
                static_cast<std::size_t>(std::count(macros->pairs.begin(), macros->pairs.end(), '\0')) / 2;
            if (count > limits_.max_macros)
                return Closed{std::to_string(count) + " milter macros of one stage, expected at most " +
                              std::to_string(limits_.max_macros)};
        }
        macros_.set(macros->stage, macros->pairs);
        if (macros_.size_bytes() > limits_.max_macro_bytes)
            return Closed{"milter macros of " + std::to_string(macros_.size_bytes()) + " octets, expected at most " +
                          std::to_string(limits_.max_macro_bytes)};
        return NeedInput{};
    }
    if (std::holds_alternative<Quit>(command))
        return Closed{};

    last_ = Command{packet.command};
    const bool drops_message = state_ == State::in_message && (*to == State::idle || last_ == Command::mail) &&
                               last_ != Command::end_of_message;
    state_ = *to;
    reply_due_ = reply_due(packet.command, agreement_.protocol);
    if (last_ == Command::abort)
        macros_.end_message();
    else if (last_ == Command::quit_new_connection)
        macros_.clear();
    else
        macros_.begin(last_);
    return Received{std::move(command), drops_message};
}

Step Session::start(const Negotiate& offer)
{
    auto agreed = negotiate(offer, *wish_);
    if (auto* error = std::get_if<Malformed>(&agreed))
        return Closed{std::move(error->error)};
    agreement_ = std::get<Agreement>(agreed);
    append_negotiation(output_, agreement_, *wish_);
    state_ = State::idle;
    return NeedInput{};
}

void Session::answer(const Answer& answer)
{
    if (!reply_due_)
        return;
    reply_due_ = false;
    append_answer(output_, answer);
    if (ends_message(last_, answer.kind))
        state_ = State::idle;
}

} // namespace smtpauth::milter
