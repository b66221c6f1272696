#include "proto/milter/reply.hpp"

#include <algorithm>

namespace smtpauth::milter {

namespace {

constexpr std::size_t max_line_bytes = 980;
constexpr std::size_t max_lines = 32;

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/// "5.7.1 " of "5.7.1 Access denied"; empty if the text does not begin with an enhanced status code (RFC 3463).
std::string_view enhanced_code(std::string_view text)
{
    std::size_t at = 0;
    for (int part = 0; part < 3; ++part) {
        const std::size_t start = at;
        while (at < text.size() && is_digit(text[at]))
            ++at;
        if (at == start || at - start > 3 || at == text.size() || text[at] != (part < 2 ? '.' : ' '))
            return {};
        ++at;
    }
    return text.substr(0, at);
}

void append_printable(std::string& out, std::string_view text)
{
    std::transform(text.begin(), text.end(), std::back_inserter(out),
                   [](char c) { return c >= ' ' && c <= '~' ? c : '?'; });
}

} // namespace

std::string smtp_reply(int code, std::string_view text)
{
    const std::string_view enhanced = enhanced_code(text);
    std::string reply;
    for (std::size_t line = 1;; ++line) {
        const std::size_t end = text.find('\n');
        const bool last = end == std::string_view::npos || line == max_lines;
        reply += std::to_string(code);
        reply += last ? ' ' : '-';
        if (line > 1)
            reply += enhanced;
        append_printable(reply, text.substr(0, std::min(end, max_line_bytes)));
        if (last)
            return reply;
        reply += "\r\n";
        text.remove_prefix(end + 1);
    }
}

void append_answer(std::string& out, const Answer& answer)
{
    const auto single = [&out](Reply reply) { append_packet(out, static_cast<char>(reply)); };
    switch (answer.kind) {
    case Answer::Kind::proceed:
        return single(Reply::proceed);
    case Answer::Kind::accept:
        return single(Reply::accept);
    case Answer::Kind::reject:
        return single(Reply::reject);
    case Answer::Kind::tempfail:
        return single(Reply::tempfail);
    case Answer::Kind::discard:
        return single(Reply::discard);
    case Answer::Kind::skip:
        return single(Reply::skip);
    case Answer::Kind::hold: {
        {
            const PacketWriter packet(out, static_cast<char>(Reply::quarantine));
            append_string(out, answer.text);
        }
        return single(Reply::proceed);
    }
    case Answer::Kind::reply_code: {
        const PacketWriter packet(out, static_cast<char>(Reply::reply_code));
        for (const char c : answer.text)
            out.append(c == '%' ? 2 : 1, c);
        out.push_back('\0');
        return;
    }
    }
}

void append_progress(std::string& out)
{
    append_packet(out, static_cast<char>(Reply::progress));
}

std::variant<Malformed, ParsedReply> parse_reply(const Packet& packet)
{
    ParsedReply parsed{Reply{packet.command}, {}, {}};
    switch (parsed.reply) {
    case Reply::proceed:
    case Reply::accept:
    case Reply::reject:
    case Reply::tempfail:
    case Reply::discard:
    case Reply::skip:
    case Reply::progress:
        if (!packet.data.empty())
            return Malformed{"milter reply '" + std::string(1, packet.command) + "' with data, expected none"};
        return parsed;
    case Reply::negotiate: {
        auto command = parse_command(packet);
        if (auto* error = std::get_if<Malformed>(&command))
            return std::move(*error);
        parsed.negotiate = std::get<Negotiate>(command);
        return parsed;
    }
    case Reply::reply_code:
    case Reply::quarantine: {
        Bytes rest = packet.data;
        const auto text = take_string(rest);
        if (!text || !rest.empty())
            return Malformed{"milter reply '" + std::string(1, packet.command) +
                             "', expected one string ending in NUL"};
        for (std::size_t at = 0; at < text->size(); ++at) {
            parsed.text += (*text)[at];
            const bool doubled = parsed.reply == Reply::reply_code && text->substr(at, 2) == "%%";
            at += doubled ? 1 : 0;
        }
        return parsed;
    }
    }
    return Malformed{"milter reply " + command_name(packet.command) + ", expected one of O c a r t d y s p q"};
}

} // namespace smtpauth::milter
