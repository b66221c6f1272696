#include "proto/event/codec.hpp"

#include <limits>

namespace smtpauth::event {

namespace {

enum class Tag : std::uint8_t {
    type = 1,
    action = 2,
    stage = 3,
    client_address = 4,
    client_port = 5,
    connect_time = 6,
    auth_id = 7,
    auth_id_raw = 8,
    sender = 9,
    eom_time = 10,
    recipient = 11,
    rcpt_refused = 12,
    size_bytes = 13,
    queue_id = 14,
    country = 15,
    asn = 16,
    rule = 17,
    reason = 18,
    count = 19,
    rcpt_unlisted = 20,
    voids = 21,
    until = 22,
};

/// 9999-12-31 23:59:59: years of four digits are all that a log line can show.
constexpr std::uint64_t latest_time_ms = 253402300799999;

class Encoder {
public:
    explicit Encoder(std::string& out) : out_(out) {}

    void text(Tag tag, std::string_view value) { append_text_field(out_, static_cast<std::uint8_t>(tag), value); }
    void known_text(Tag tag, std::string_view value)
    {
        if (!value.empty())
            text(tag, value);
    }
    void number(Tag tag, std::uint64_t value) { append_number_field(out_, static_cast<std::uint8_t>(tag), value); }
    void known_number(Tag tag, std::uint64_t value)
    {
        if (value != 0)
            number(tag, value);
    }
    void time(Tag tag, Time value) { known_number(tag, static_cast<std::uint64_t>(value.time_since_epoch().count())); }

private:
    std::string& out_;
};

/// Puts fields into a record. Every take_ returns false with error() set where the value does not fit.
class Decoder {
public:
    bool take(const Field& field);

    Record record;
    std::string error;

private:
    bool take_text(const Field& field, std::string& to)
    {
        if (field.value.find('\0') != Bytes::npos) {
            error = "field " + std::to_string(field.tag) + ": text with a NUL";
            return false;
        }
        to = field.value;
        return true;
    }

    bool take_recipient(const Field& field)
    {
        std::string recipient;
        if (!take_text(field, recipient))
            return false;
        record.recipients.append(recipient);
        return true;
    }

    template <class Number>
    bool take_number(const Field& field, Number& to)
    {
        std::uint64_t number = 0;
        if (!read_number(field, std::numeric_limits<Number>::max(), number, error))
            return false;
        to = static_cast<Number>(number);
        return true;
    }

    bool take_time(const Field& field, Time& to)
    {
        std::uint64_t number = 0;
        if (!read_number(field, latest_time_ms, number, error))
            return false;
        to = Time(Milliseconds(number));
        return true;
    }

    /// @param known  asked whether the number names a value of the enumeration.
    template <class Enum, class Known>
    bool take_enum(const Field& field, Enum& to, Known known)
    {
        std::uint64_t number = 0;
        if (!read_number(field, std::numeric_limits<std::uint8_t>::max(), number, error))
            return false;
        const auto value = static_cast<Enum>(number);
        if (!known(value)) {
            error = "field " + std::to_string(field.tag) + ": unknown value " + std::to_string(number);
            return false;
        }
        to = value;
        return true;
    }
};

bool is_known(RecordType type)
{
    return type >= RecordType::message && type <= RecordType::loss;
}

bool Decoder::take(const Field& field)
{
    switch (static_cast<Tag>(field.tag)) {
    case Tag::type:
        return take_enum(field, record.type, is_known);
    case Tag::action:
        return take_enum(field, record.action, [](Action action) { return action <= Action::discard; });
    case Tag::stage:
        return take_enum(field, record.stage, [](Stage stage) { return stage >= Stage::mail && stage <= Stage::eom; });
    case Tag::client_address:
        return take_text(field, record.client_address);
    case Tag::client_port:
        return take_number(field, record.client_port);
    case Tag::connect_time:
        return take_time(field, record.connect_time);
    case Tag::auth_id:
        return take_text(field, record.auth_id);
    case Tag::auth_id_raw:
        return take_text(field, record.auth_id_raw);
    case Tag::sender:
        return take_text(field, record.sender.emplace());
    case Tag::eom_time:
        return take_time(field, record.eom_time);
    case Tag::recipient:
        return take_recipient(field);
    case Tag::rcpt_refused:
        return take_number(field, record.rcpt_refused);
    case Tag::size_bytes:
        return take_number(field, record.size_bytes.emplace());
    case Tag::queue_id:
        return take_text(field, record.queue_id);
    case Tag::country:
        return take_text(field, record.country);
    case Tag::asn:
        return take_number(field, record.asn);
    case Tag::rule:
        return take_text(field, record.rule);
    case Tag::reason:
        return take_text(field, record.reason);
    case Tag::count:
        return take_number(field, record.count);
    case Tag::rcpt_unlisted:
        return take_number(field, record.rcpt_unlisted);
    case Tag::voids:
        return take_number(field, record.voids);
    case Tag::until:
        return take_time(field, record.until);
    }
    return true;
}

} // namespace

void encode(const Record& record, std::string& out)
{
    Encoder encoder(out);
    encoder.number(Tag::type, static_cast<std::uint8_t>(record.type));
    encoder.number(Tag::action, static_cast<std::uint8_t>(record.action));
    encoder.number(Tag::stage, static_cast<std::uint8_t>(record.stage));
    encoder.known_text(Tag::client_address, record.client_address);
    encoder.known_number(Tag::client_port, record.client_port);
    encoder.time(Tag::connect_time, record.connect_time);
    encoder.known_text(Tag::auth_id, record.auth_id);
    encoder.known_text(Tag::auth_id_raw, record.auth_id_raw);
    if (record.sender)
        encoder.text(Tag::sender, *record.sender);
    encoder.time(Tag::eom_time, record.eom_time);
    for (const std::string_view recipient : record.recipients)
        encoder.text(Tag::recipient, recipient);
    encoder.known_number(Tag::rcpt_unlisted, record.rcpt_unlisted);
    encoder.known_number(Tag::rcpt_refused, record.rcpt_refused);
    if (record.size_bytes)
        encoder.number(Tag::size_bytes, *record.size_bytes);
    encoder.known_text(Tag::queue_id, record.queue_id);
    encoder.known_text(Tag::country, record.country);
    encoder.known_number(Tag::asn, record.asn);
    encoder.known_text(Tag::rule, record.rule);
    encoder.known_text(Tag::reason, record.reason);
    encoder.time(Tag::until, record.until);
    encoder.known_number(Tag::voids, record.voids);
    if (record.count != 1)
        encoder.number(Tag::count, record.count);
}

std::variant<Record, Malformed> decode(Bytes bytes)
{
    FieldReader fields(bytes);
    Decoder decoder;
    while (const auto field = fields.next()) {
        if (!decoder.take(*field))
            return Malformed{std::move(decoder.error)};
    }
    if (fields.failed())
        return Malformed{fields.error()};
    return std::move(decoder.record);
}

} // namespace smtpauth::event
