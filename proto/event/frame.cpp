#include "proto/event/frame.hpp"

#include <algorithm>
#include <limits>

namespace smtpauth::event {

namespace {

constexpr std::size_t length_size = 4;
constexpr std::size_t sequence_size = 8;

enum class HelloTag : std::uint8_t {
    lowest_version = 1,
    highest_version = 2,
    journal = 3,
    first_unacknowledged = 5,
    instance = 6,
};

constexpr std::uint8_t welcome_version_tag = 1;

constexpr std::size_t max_instance_size = 255;

/// Writes a frame whose body is appended piece by piece: open, append to the string, close.
class FrameWriter {
public:
    FrameWriter(std::string& out, FrameKind kind) : out_(out), start_(out.size())
    {
        append_big_endian(out_, 0, length_size);
        out_.push_back(static_cast<char>(kind));
    }
    FrameWriter(const FrameWriter&) = delete;
    FrameWriter& operator=(const FrameWriter&) = delete;

    /// Fills the length in.
    ~FrameWriter() { put_big_endian(out_, start_, out_.size() - start_ - length_size, length_size); }

private:
    std::string& out_;
    std::size_t start_;
};

template <class Tag>
void append_number(std::string& out, Tag tag, std::uint64_t value)
{
    append_number_field(out, static_cast<std::uint8_t>(tag), value);
}

template <class Number>
bool take_number(const Field& field, Number& to, std::string& error)
{
    std::uint64_t number = 0;
    if (!read_number(field, std::numeric_limits<Number>::max(), number, error))
        return false;
    to = static_cast<Number>(number);
    return true;
}

bool take_hello_field(const Field& field, Hello& hello, std::string& error)
{
    switch (static_cast<HelloTag>(field.tag)) {
    case HelloTag::lowest_version:
        return take_number(field, hello.lowest_version, error);
    case HelloTag::highest_version:
        return take_number(field, hello.highest_version, error);
    case HelloTag::journal:
        return take_number(field, hello.journal, error);
    case HelloTag::first_unacknowledged:
        return take_number(field, hello.first_unacknowledged, error);
    case HelloTag::instance:
        if (field.value.size() > max_instance_size) {
            error = "instance name of " + std::to_string(field.value.size()) + " octets, expected at most " +
                    std::to_string(max_instance_size);
            return false;
        }
        hello.instance = field.value;
        return true;
    }
    return true;
}

std::optional<Frame> parse_hello(Bytes body, std::string& error)
{
    Hello hello;
    hello.lowest_version = 0;
    FieldReader fields(body);
    while (const auto field = fields.next()) {
        if (!take_hello_field(*field, hello, error))
            return std::nullopt;
    }
    error = fields.error();
    if (fields.failed())
        return std::nullopt;
    if (hello.lowest_version == 0 || hello.lowest_version > hello.highest_version) {
        error = "versions " + std::to_string(hello.lowest_version) + " to " + std::to_string(hello.highest_version) +
                ", expected a range from 1";
        return std::nullopt;
    }
    return hello;
}

std::optional<Frame> parse_welcome(Bytes body, std::string& error)
{
    Welcome welcome;
    FieldReader fields(body);
    while (const auto field = fields.next()) {
        if (field->tag == welcome_version_tag && !take_number(*field, welcome.version, error))
            return std::nullopt;
    }
    error = fields.error();
    if (fields.failed())
        return std::nullopt;
    return welcome;
}

std::optional<Frame> parse_record(Bytes body, std::string& error)
{
    if (body.size() < sequence_size) {
        error = std::to_string(body.size()) + " octets, expected a sequence number of 8";
        return std::nullopt;
    }
    return RecordFrame{read_big_endian(body.substr(0, sequence_size)), body.substr(sequence_size)};
}

std::optional<Frame> parse_ack(Bytes body, std::string& error)
{
    if (body.size() != sequence_size) {
        error = std::to_string(body.size()) + " octets, expected a sequence number of 8";
        return std::nullopt;
    }
    return Ack{read_big_endian(body)};
}

std::optional<Frame> parse_ping(Bytes body, std::string& error)
{
    if (!body.empty()) {
        error = std::to_string(body.size()) + " octets, expected none";
        return std::nullopt;
    }
    return Ping{};
}

} // namespace

void append_frame(std::string& out, const Hello& hello)
{
    const FrameWriter frame(out, FrameKind::hello);
    append_number(out, HelloTag::lowest_version, hello.lowest_version);
    append_number(out, HelloTag::highest_version, hello.highest_version);
    append_number(out, HelloTag::journal, hello.journal);
    append_number(out, HelloTag::first_unacknowledged, hello.first_unacknowledged);
    append_text_field(out, static_cast<std::uint8_t>(HelloTag::instance), hello.instance);
}

void append_frame(std::string& out, const Welcome& welcome)
{
    const FrameWriter frame(out, FrameKind::welcome);
    append_number(out, welcome_version_tag, welcome.version);
}

void append_frame(std::string& out, const Ack& ack)
{
    const FrameWriter frame(out, FrameKind::ack);
    append_big_endian(out, ack.sequence, sequence_size);
}

void append_frame(std::string& out, const Ping&)
{
    const FrameWriter frame(out, FrameKind::ping);
}

void append_record_frame(std::string& out, std::uint64_t sequence, Bytes record)
{
    const FrameWriter frame(out, FrameKind::record);
    append_big_endian(out, sequence, sequence_size);
    out.append(record);
}

std::optional<std::uint16_t> common_version(const Hello& hello)
{
    const std::uint16_t version = std::min(hello.highest_version, highest_version);
    if (version < std::max(hello.lowest_version, lowest_version))
        return std::nullopt;
    return version;
}

std::optional<Frame> parse_frame(Bytes frame, std::string& error)
{
    const auto kind = static_cast<std::uint8_t>(frame.front());
    const Bytes body = frame.substr(1);
    const auto named = [&error](const char* name, std::optional<Frame> parsed) {
        if (!parsed)
            error = std::string(name) + ": " + error;
        return parsed;
    };
    switch (static_cast<FrameKind>(kind)) {
    case FrameKind::hello:
        return named("HELLO", parse_hello(body, error));
    case FrameKind::welcome:
        return named("WELCOME", parse_welcome(body, error));
    case FrameKind::record:
        return named("RECORD", parse_record(body, error));
    case FrameKind::ack:
        return named("ACK", parse_ack(body, error));
    case FrameKind::ping:
        return named("PING", parse_ping(body, error));
    case FrameKind::verdict:
        break;
    }
    return UnknownFrame{kind};
}

} // namespace smtpauth::event
