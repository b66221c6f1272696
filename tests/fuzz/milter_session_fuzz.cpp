// A whole conversation. Properties: the same bytes give the same replies, records and end, at once or in pieces, also
// when memory goes while an answer waits; never more replies than commands that expect one, and exactly as many unless
// the conversation was closed for an error; nothing but the packets' own data is kept.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "filter/conversation.hpp"
#include "proto/event/codec.hpp"
#include "proto/milter/reply.hpp"
#include "proto/milter/session_table.hpp"
#include "tests/support/test_site.hpp"

namespace {

using namespace smtpauth;

void require(bool property)
{
    if (!property)
        std::abort();
}

struct Outcome {
    std::string output;
    std::vector<std::string> records;
    bool closed = false;
    std::string error;

    bool operator==(const Outcome&) const = default;
};

/// Settings as the input's first byte says.
FilterConfig config_of(unsigned char choice)
{
    constexpr MessageSize sizes[] = {MessageSize::auto_, MessageSize::count, MessageSize::macro, MessageSize::off};
    FilterConfig config;
    config.message_size = sizes[choice & 3];
    config.max_packet_bytes = 4096;
    config.max_recipients = 20;
    return config;
}

Outcome talk(milter::Bytes stream, unsigned char choice, std::size_t piece)
{
    test::TestSite site(config_of(choice));
    site.list("spammer");
    site.hold("suspect");
    Conversation conversation(site.site(), site.size_source());
    Outcome outcome;
    for (std::size_t at = 0; at < stream.size() && !outcome.closed; at += piece) {
        auto fed = std::make_unique<std::string>(stream.substr(at, piece));
        conversation.receive(*fed);
        for (;;) {
            const Conversation::Step step = conversation.next();
            if (std::holds_alternative<Conversation::Idle>(step))
                break;
            if (const auto* close = std::get_if<Conversation::Close>(&step)) {
                outcome.closed = true;
                outcome.error = close->error;
                break;
            }
            const auto& record = std::get<Conversation::Commit>(step).record;
            require(record.recipients.size() <= 20);
            event::encode(record, outcome.records.emplace_back());
            conversation.keep_rest();
            fed = std::make_unique<std::string>(); // another connection reads into the buffer meanwhile
            conversation.committed();
        }
    }
    outcome.output = conversation.output();
    return outcome;
}

/// The commands of a stream that expect a reply, up to the first that cannot be understood or to QUIT.
std::size_t expected_replies(milter::Bytes stream, std::uint32_t protocol_bits)
{
    milter::PacketDecoder decoder(4096);
    decoder.feed(stream);
    std::size_t count = 0;
    while (const auto packet = decoder.next()) {
        if (packet->command == 'Q' || std::holds_alternative<milter::Malformed>(milter::parse_command(*packet)))
            break;
        if (milter::reply_due(packet->command, protocol_bits))
            ++count;
    }
    return count;
}

/// The final replies in the filter's output, and what it negotiated.
std::size_t replies_in(const std::string& output, std::uint32_t& protocol_bits)
{
    milter::PacketDecoder decoder;
    decoder.feed(output);
    std::size_t count = 0;
    while (const auto packet = decoder.next()) {
        const auto reply = milter::parse_reply(*packet);
        require(std::holds_alternative<milter::ParsedReply>(reply));
        const auto& parsed = std::get<milter::ParsedReply>(reply);
        if (parsed.reply == milter::Reply::negotiate)
            protocol_bits = parsed.negotiate.protocol;
        else if (parsed.reply != milter::Reply::quarantine)
            ++count;
    }
    require(!decoder.failed() && !decoder.in_packet());
    return count;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2)
        return 0;
    const unsigned char choice = data[0];
    const std::size_t piece = std::size_t{1} + data[1];
    const milter::Bytes stream{reinterpret_cast<const char*>(data) + 2, size - 2};

    const Outcome whole = talk(stream, choice, stream.size() + 1);
    require(talk(stream, choice, 1) == whole);
    require(talk(stream, choice, piece) == whole);

    std::uint32_t protocol_bits = 0;
    const std::size_t replies = replies_in(whole.output, protocol_bits);
    const std::size_t expected = expected_replies(stream, protocol_bits);
    require(replies <= expected);
    require(replies == expected || !whole.error.empty());
    return 0;
}
