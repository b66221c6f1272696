#include "proto/milter/mta_session.hpp"

namespace smtpauth::milter {

namespace {

/// The protocol bit by which a filter declines a command; 0: it cannot.
std::uint32_t declined_by(Command command)
{
    switch (command) {
    case Command::connect:
        return protocol::no_connect;
    case Command::helo:
        return protocol::no_helo;
    case Command::mail:
        return protocol::no_mail;
    case Command::rcpt:
        return protocol::no_rcpt;
    case Command::data:
        return protocol::no_data;
    case Command::header:
        return protocol::no_headers;
    case Command::end_of_headers:
        return protocol::no_end_of_headers;
    case Command::body:
        return protocol::no_body;
    case Command::unknown:
        return protocol::no_unknown;
    default:
        return 0;
    }
}

/// The version that brought a command (docs/formats/milter.md, "Versions").
std::uint32_t known_since(Command command)
{
    switch (command) {
    case Command::unknown:
        return 3;
    case Command::data:
        return 4;
    case Command::quit_new_connection:
        return 6;
    default:
        return oldest_version;
    }
}

} // namespace

bool MtaSession::wanted(Command command) const
{
    return agreement_.version >= known_since(command) && !agreement_.has(declined_by(command));
}

std::optional<std::variant<Malformed, ParsedReply>> MtaSession::next_reply()
{
    if (const auto packet = replies_.next())
        return parse_reply(*packet);
    if (replies_.failed())
        return Malformed{replies_.error()};
    return std::nullopt;
}

} // namespace smtpauth::milter
