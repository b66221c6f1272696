#include "tests/support/capture_player.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <stdexcept>

#include "proto/milter/mta_session.hpp"
#include "tests/support/macro_choice.hpp"

namespace smtpauth::test {

namespace {

using namespace milter;

/// What the recorder saw of the client, the open message and its macros.
class Expectation {
public:
    void see(const CapturedPacket& packet)
    {
        switch (Command{packet.command}) {
        case Command::macros:
            macros_[packet.macro_stage] = packet.macros;
            break;
        case Command::connect:
            address_ = canonical(packet.address);
            port_ = packet.port;
            break;
        case Command::mail:
            for (const char later : std::string_view("RTNE"))
                macros_.erase(later);
            sender_ = without_brackets(packet.arguments.at(0));
            recipients_.clear();
            added_header_bytes_ = 0;
            header_fields_ = 0;
            break;
        case Command::rcpt:
            recipients_ += (recipients_.empty() ? "" : ",") + std::string(without_brackets(packet.arguments.at(0)));
            break;
        case Command::header:
            ++header_fields_;
            if (sent_ && header_fields_ > sent_->header_fields) // appended by the MTA: Message-Id, Date, From
                added_header_bytes_ += packet.arguments.at(0).size() + packet.arguments.at(1).size() + 4;
            break;
        default:
            break;
        }
    }

    /// The next message's text, as its client sent it.
    void set_sent(const SentMessage* sent) { sent_ = sent; }

    ExpectedRecord record(const Agreement& agreement) const
    {
        ExpectedRecord record{{"type", "message"},
                              {"action", "accept"},
                              {"client_address", address_},
                              {"client_port", port_},
                              {"auth_id", lower(macro("{auth_authen}", "M"))},
                              {"sender", "<" + sender_ + ">"},
                              {"recipients", recipients_},
                              {"queue_id", macro("i", "ENTRM")}};
        if (const std::string size = macro("{msg_size}", "E"); size != "-")
            record.emplace_back("size", size);
        else if (agreement.has(protocol::no_headers))
            record.emplace_back("size", "-");
        else if (sent_ != nullptr && header_fields_ >= sent_->header_fields && header_fields_ > 0)
            record.emplace_back(
                "size", std::to_string(sent_->size_bytes + added_header_bytes_ + (sent_->ends_headers ? 0 : 2)));
        return record;
    }

private:
    /// Of the first of these stages that has it; "-" where none has.
    std::string macro(const std::string& name, std::string_view stages) const
    {
        for (const char stage : stages)
            if (const auto set = macros_.find(stage); set != macros_.end())
                if (const auto found = set->second.find(name); found != set->second.end())
                    return found->second;
        return "-";
    }

    static std::string lower(std::string text)
    {
        std::transform(text.begin(), text.end(), text.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
        return text;
    }

    static std::string canonical(const std::string& address)
    {
        std::string bare = address.starts_with("IPv6:") ? address.substr(5) : address;
        unsigned char bytes[16];
        char text[INET6_ADDRSTRLEN];
        if (::inet_pton(AF_INET6, bare.c_str(), bytes) == 1)
            return ::inet_ntop(AF_INET6, bytes, text, sizeof text);
        return bare;
    }

    std::map<char, std::map<std::string, std::string>> macros_;
    std::string address_ = "-";
    std::string port_;
    std::string sender_;
    std::string recipients_;
    const SentMessage* sent_ = nullptr;
    std::size_t header_fields_ = 0;
    std::uint64_t added_header_bytes_ = 0;
};

/// One connection of the recording.
class ConnectionReplay {
public:
    using Packets = std::vector<CapturedPacket>;

    ConnectionReplay(const Capture& capture, const Packets& packets, FilterUnderTest& filter, Offer offer,
                     Replay& result)
        : capture_(capture),
          packets_(packets),
          connection_(filter.connect()),
          mta_(offer_of(packets, offer)),
          result_(result)
    {
    }

    void play()
    {
        negotiate();
        for (auto packet = packets_.begin(); packet != packets_.end(); ++packet) {
            if (!packet->from_mta || Command{packet->command} == Command::negotiate)
                continue;
            number_ = packet->number;
            const Command command{packet->command};
            if (command == Command::quit)
                return finish();
            prepare_expectation(*packet);
            if (command != Command::macros && !mta_.wanted(command))
                continue;
            send(*packet);
            if (command == Command::end_of_message)
                result_.messages.push_back(expectation_.record(mta_.agreement()));
            if (!recorded_answer_was_continue(packet))
                return finish();
        }
        finish();
    }

private:
    static Negotiate offer_of(const Packets& packets, Offer offer)
    {
        const auto parsed = [](const CapturedPacket& packet) {
            return std::get<Negotiate>(parse_command({packet.command, packet.data}));
        };
        const auto offered = std::find_if(packets.begin(), packets.end(), [](const auto& p) { return p.from_mta; });
        const auto answered = std::find_if(packets.begin(), packets.end(), [](const auto& p) { return !p.from_mta; });
        if (offered == packets.end() || answered == packets.end())
            throw std::runtime_error("a recording without a negotiation");
        Negotiate result = parsed(offer == Offer::all ? *offered : *answered);
        result.macro_lists = {};
        // The recorded headers are without their leading blank unless that was agreed on.
        if (!(parsed(*answered).protocol & protocol::header_leading_space))
            result.protocol &= ~protocol::header_leading_space;
        return result;
    }

    void negotiate()
    {
        mta_.append_offer(out_);
        const auto reply = read_reply();
        if (!reply || reply->reply != Reply::negotiate)
            fail("the filter did not answer the negotiation");
        if (const auto error = mta_.accept_negotiation(reply->negotiate))
            fail(error->error);
    }

    void prepare_expectation(const CapturedPacket& packet)
    {
        if (Command{packet.command} == Command::mail)
            expectation_.set_sent(result_.messages.size() < capture_.messages.size()
                                      ? &capture_.messages[result_.messages.size()]
                                      : nullptr);
        expectation_.see(packet);
    }

    void send(const CapturedPacket& packet)
    {
        ++result_.packets;
        if (Command{packet.command} == Command::macros) {
            const std::string pairs = asked_for(mta_, packet.data.at(0), packet.data.substr(1));
            append_command(out_, Macros{packet.data[0], pairs});
            return;
        }
        append_packet(out_, packet.command, packet.data);
        if (!mta_.expects_reply(Command{packet.command}))
            return;
        const auto reply = read_reply();
        if (!reply)
            fail("the filter closed the connection: " + connection_->close_reason());
        if (reply->reply != Reply::proceed)
            fail(std::string("the filter answered '") + static_cast<char>(reply->reply) + "', expected 'c'");
        ++result_.replies;
    }

    /// False: the MTA went on as it does after another answer than ours.
    bool recorded_answer_was_continue(Packets::const_iterator packet) const
    {
        const auto next_of_mta = std::find_if(packet + 1, packets_.end(), [](const auto& p) { return p.from_mta; });
        return std::all_of(packet + 1, next_of_mta,
                           [](const CapturedPacket& answer) { return answer.command == 'c' || answer.command == 'q'; });
    }

    /// Nothing more may come: a reply too many would be seen here.
    void finish()
    {
        append_command(out_, Command::quit);
        if (const auto reply = read_reply())
            fail(std::string("the filter answered '") + static_cast<char>(reply->reply) + "' where no reply was due");
        if (!connection_->close_reason().empty())
            fail("the filter closed the connection: " + connection_->close_reason());
    }

    /// Nothing: the filter closed the connection.
    std::optional<ParsedReply> read_reply()
    {
        connection_->send(out_);
        out_.clear();
        for (;;) {
            if (auto reply = mta_.next_reply()) {
                if (const auto* malformed = std::get_if<Malformed>(&*reply))
                    fail(malformed->error);
                return std::get<ParsedReply>(std::move(*reply));
            }
            auto bytes = connection_->receive();
            if (!bytes)
                fail("no reply came");
            if (bytes->empty())
                return std::nullopt;
            received_ = std::move(*bytes);
            mta_.receive(received_);
        }
    }

    [[noreturn]] void fail(const std::string& what) const
    {
        throw std::runtime_error(capture_.path + ": packet " + std::to_string(number_) + ": " + what);
    }

    const Capture& capture_;
    const Packets& packets_;
    std::unique_ptr<Connection> connection_;
    MtaSession mta_;
    Replay& result_;
    Expectation expectation_;
    int number_ = 0;
    std::string out_; ///< said, but not sent
    std::string received_;
};

} // namespace

Replay replay(const Capture& capture, FilterUnderTest& filter, Offer offer)
{
    Replay result;
    for (const auto& packets : capture.connections)
        ConnectionReplay(capture, packets, filter, offer, result).play();
    return result;
}

} // namespace smtpauth::test
