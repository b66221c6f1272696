#include "tests/support/dialog_player.hpp"

#include <algorithm>
#include <cstdio>

#include "proto/milter/mta_session.hpp"
#include "tests/support/macro_choice.hpp"
#include "tests/support/packets.hpp"
#include "tests/support/record_fields.hpp"

namespace smtpauth::test {

namespace {

using namespace milter;
using Words = std::vector<std::string>;

std::string joined(const Words& words, std::size_t from = 0)
{
    std::string text;
    for (std::size_t at = from; at < words.size(); ++at)
        text.append(at == from ? 0 : 1, ' ').append(words[at]);
    return text;
}

std::string hex(std::uint32_t number)
{
    char text[16];
    std::snprintf(text, sizeof text, "0x%x", number);
    return text;
}

/// A reply as dialogs write it.
std::string as_text(const ParsedReply& reply)
{
    switch (reply.reply) {
    case Reply::negotiate:
        return "OPTNEG " + std::to_string(reply.negotiate.version) + " " + hex(reply.negotiate.actions) + " " +
               hex(reply.negotiate.protocol);
    case Reply::proceed:
        return "CONTINUE";
    case Reply::accept:
        return "ACCEPT";
    case Reply::reject:
        return "REJECT";
    case Reply::tempfail:
        return "TEMPFAIL";
    case Reply::discard:
        return "DISCARD";
    case Reply::skip:
        return "SKIP";
    case Reply::progress:
        return "PROGRESS";
    case Reply::reply_code:
        return "REPLY " + reply.text;
    case Reply::quarantine:
        return "QUARANTINE " + reply.text;
    }
    return "?";
}

bool is_final(Reply reply)
{
    return reply != Reply::progress && reply != Reply::quarantine;
}

/// "auth_authen" travels as "{auth_authen}", "i" as it is.
std::string with_braces(const std::string& name)
{
    return name.size() == 1 || name.front() == '{' ? name : "{" + name + "}";
}

class Player {
public:
    Player(const Dialog& dialog, FilterUnderTest& filter) : dialog_(dialog), filter_(filter) {}

    void play()
    {
        for (const DialogLine& line : dialog_.lines) {
            line_ = line.number;
            perform(line.kind, line.words);
        }
        if (connection_)
            quit();
        if (const auto record = filter_.take_record())
            fail("the filter recorded more than the dialog expects: a " + *field(*record, "type") + " of " +
                 *field(*record, "auth_id"));
    }

private:
    void perform(char kind, const Words& words)
    {
        switch (kind) {
        case '>':
            return say(words);
        case '<':
            return expect_reply(words);
        case '=':
            return expect_record(words);
        default:
            return happen(words);
        }
    }

    // The MTA says

    void say(const Words& words)
    {
        if (words[0] == "OPEN")
            return open();
        if (!connection_)
            open();
        if (words[0] == "RAW") {
            settle();
            out_ += from_hex(joined(words, 1));
            anything_may_come_ = true;
            return;
        }
        if (words[0] == "REPEAT") {
            const int count = std::stoi(word(words, 1));
            for (int number = 1; number <= count; ++number)
                say(numbered(words, number));
            return;
        }
        settle();
        if (words[0] == "QUIT")
            return quit();
        if (words[0] == "EOF")
            return drop();
        if (words[0] == "MACRO")
            return say_macros(words);
        say_command(words);
    }

    /// The repeated command, with its number for each '#'.
    static Words numbered(const Words& words, int number)
    {
        Words command(words.begin() + 2, words.end());
        for (std::string& text : command)
            for (std::size_t at; (at = text.find('#')) != std::string::npos;)
                text.replace(at, 1, std::to_string(number));
        return command;
    }

    void say_macros(const Words& words)
    {
        const auto stage = static_cast<char>(command_named(word(words, 1)));
        std::string pairs;
        for (std::size_t at = 2; at < words.size(); ++at) {
            const std::size_t equals = words[at].find('=');
            if (equals == std::string::npos)
                fail("macro \"" + words[at] + "\", expected NAME=VALUE");
            append_string(pairs, with_braces(words[at].substr(0, equals)));
            append_string(pairs, words[at].substr(equals + 1));
        }
        pairs = asked_for(*mta_, stage, pairs);
        append_command(out_, Macros{stage, pairs});
    }

    void say_command(const Words& words)
    {
        const Command command = command_named(words[0]);
        if (!mta_->wanted(command))
            return;
        due_ = mta_->expects_reply(command);
        switch (command) {
        case Command::connect:
            return append_command(out_, connect_of(words));
        case Command::helo:
            return append_command(out_, Helo{word(words, 1)});
        case Command::mail: {
            const std::string arguments = arguments_of(words);
            return append_command(out_, Mail{word(words, 1), StringList(arguments)});
        }
        case Command::rcpt: {
            const std::string arguments = arguments_of(words);
            return append_command(out_, Rcpt{word(words, 1), StringList(arguments)});
        }
        case Command::header:
            return say_header(word(words, 1), word(words, 2));
        case Command::body:
            return append_command(out_, Body{word(words, 1)});
        case Command::end_of_message:
            return append_command(out_, EndOfMessage{words.size() > 1 ? Bytes(words[1]) : Bytes()});
        case Command::unknown: {
            const std::string line = joined(words, 1);
            return append_command(out_, Unknown{line});
        }
        default:
            return append_command(out_, command);
        }
    }

    /// A dialog writes the value as it stands behind the colon and one blank.
    void say_header(const std::string& name, const std::string& value)
    {
        const std::string shown = (mta_->agreement().has(protocol::header_leading_space) ? " " : "") + value;
        append_command(out_, Header{name, shown});
    }

    /// host address [port [family]]: the family is seen from the address where it is not named.
    Connect connect_of(const Words& words)
    {
        const std::string& address = word(words, 2);
        Connect connect{word(words, 1), Family::ipv4, 0, address};
        if (address == "unknown")
            connect = {words[1], Family::unknown, 0, {}};
        else if (address.starts_with('/'))
            connect.family = Family::unix_socket;
        else if (address.find(':') != std::string::npos)
            connect.family = Family::ipv6;
        if (words.size() > 3)
            connect.port = static_cast<std::uint16_t>(std::stoi(words[3]));
        if (words.size() > 4)
            connect.family = Family{words[4][0]};
        return connect;
    }

    static std::string arguments_of(const Words& words)
    {
        std::string arguments;
        for (std::size_t at = 2; at < words.size(); ++at)
            append_string(arguments, words[at]);
        return arguments;
    }

    Command command_named(const std::string& name) const
    {
        for (const char letter : std::string_view("CHMRTLNBEAKU"))
            if (command_name(letter) == name)
                return Command{letter};
        fail("\"" + name + "\", expected a command's name");
    }

    // The connection's beginning and end

    void open()
    {
        if (connection_)
            drop();
        connection_ = filter_.connect();
        Negotiate offer{newest_version, action::version_6, protocol::version_6, {}};
        const Words numbers = dialog_.setting("offer");
        anything_may_come_ = numbers == Words{"none"};
        if (numbers.size() == 3)
            offer = {number(numbers[0]), number(numbers[1]), number(numbers[2]), {}};
        mta_.emplace(offer);
        if (anything_may_come_)
            return;
        mta_->append_offer(out_);
        due_ = true;
    }

    void drop()
    {
        settle();
        flush();
        connection_.reset();
    }

    void quit()
    {
        settle();
        append_command(out_, Command::quit);
        expect_closed({});
    }

    void expect_closed(const std::string& reason)
    {
        if (const auto reply = read_reply())
            fail("the filter answered " + as_text(*reply) + ", expected the end of the connection");
        const std::string found = connection_->close_reason();
        if (!reason.empty() && !found.empty() && found != reason)
            fail("the filter closed with \"" + found + "\", expected \"" + reason + "\"");
        if (reason.empty() && !found.empty())
            fail("the filter closed with \"" + found + "\", expected an orderly end");
        connection_.reset();
        due_ = false;
    }

    // The filter answers

    void expect_reply(const Words& words)
    {
        if (!connection_)
            open();
        if (words[0] == "CLOSED") {
            if (words.size() < 2)
                fail("CLOSED, expected the reason behind it");
            return expect_closed(joined(words, 1));
        }
        if (words[0] == "NOTHING") {
            if (due_)
                fail("a reply is due here");
            return;
        }
        if (!due_ && !anything_may_come_)
            fail("no reply is due here, by what was negotiated");
        take_reply(joined(words));
    }

    /// What the dialog does not mention has to be CONTINUE.
    void settle()
    {
        if (due_)
            take_reply("");
    }

    void take_reply(const std::string& expected)
    {
        const auto reply = read_reply();
        if (!reply)
            fail("the filter closed the connection" + reason_in_brackets() + ", expected " +
                 (expected.empty() ? "a reply" : expected));
        const bool negotiation = reply->reply == Reply::negotiate;
        if (negotiation)
            if (const auto error = mta_->accept_negotiation(reply->negotiate))
                fail(error->error);
        const std::string found = as_text(*reply);
        if (expected.empty() ? !negotiation && found != "CONTINUE" : found != expected)
            fail("the filter answered " + found + ", expected " + (expected.empty() ? "CONTINUE" : expected));
        due_ = due_ && !is_final(reply->reply);
    }

    /// Nothing: the filter closed the connection.
    std::optional<ParsedReply> read_reply()
    {
        flush();
        for (;;) {
            if (auto reply = mta_->next_reply()) {
                if (const auto* malformed = std::get_if<Malformed>(&*reply))
                    fail("the filter's reply: " + malformed->error);
                return std::get<ParsedReply>(std::move(*reply));
            }
            auto bytes = connection_->receive();
            if (!bytes)
                fail("no reply came");
            if (bytes->empty())
                return std::nullopt;
            received_ = std::move(*bytes);
            mta_->receive(received_);
        }
    }

    void flush()
    {
        if (!out_.empty())
            connection_->send(out_);
        out_.clear();
    }

    std::string reason_in_brackets() const
    {
        const std::string reason = connection_->close_reason();
        return reason.empty() ? "" : " (" + reason + ")";
    }

    // The filter records, and the world goes on

    void expect_record(const Words& words)
    {
        bring_up_to_date();
        if (!filter_.is_open())
            return;
        const auto record = filter_.take_record();
        if (words[0] == "NOTHING") {
            if (record)
                fail("the filter recorded a " + *field(*record, "type"));
            return;
        }
        if (words[0] != "RECORD")
            fail("\"" + words[0] + "\", expected RECORD or NOTHING");
        if (!record)
            fail("the filter recorded nothing");
        for (std::size_t at = 1; at < words.size(); ++at) {
            const std::size_t equals = std::min(words[at].find('='), words[at].size() - 1);
            const std::string name = words[at].substr(0, equals);
            const auto found = field(*record, name);
            if (!found)
                fail("\"" + name + "\" is no field of a record");
            if (*found != words[at].substr(equals + 1))
                fail("record with " + name + "=" + found->substr(0, 200) + ", expected " + words[at].substr(0, 200));
        }
    }

    void happen(const Words& words)
    {
        bring_up_to_date();
        if (words[0] == "list")
            filter_.list(word(words, 1));
        else if (words[0] == "unlist")
            filter_.unlist(word(words, 1));
        else if (words[0] == "advance") // milliseconds
            filter_.advance(std::chrono::milliseconds(std::stoi(word(words, 1))));
        else
            fail("\"" + words[0] + "\", expected list, unlist or advance");
    }

    void bring_up_to_date()
    {
        settle();
        if (connection_)
            flush();
    }

    const std::string& word(const Words& words, std::size_t at) const
    {
        if (at >= words.size())
            fail("\"" + joined(words) + "\" is too short");
        return words[at];
    }

    static std::uint32_t number(const std::string& text)
    {
        return static_cast<std::uint32_t>(std::stoul(text, nullptr, 0));
    }

    [[noreturn]] void fail(const std::string& what) const { dialog_.fail(line_, what); }

    const Dialog& dialog_;
    FilterUnderTest& filter_;
    int line_ = 0;
    std::unique_ptr<Connection> connection_;
    std::optional<MtaSession> mta_;
    bool due_ = false;               ///< a reply was not read yet
    bool anything_may_come_ = false; ///< after bytes of no known meaning
    std::string out_;                ///< said, but not sent: what waits for no reply travels with what does
    std::string received_;
};

} // namespace

bool needs_no_inside(const Dialog& dialog)
{
    return std::all_of(dialog.settings.begin(), dialog.settings.end(),
                       [](const auto& setting) { return setting.first == "reject_ids" || setting.first == "offer"; }) &&
           std::none_of(dialog.lines.begin(), dialog.lines.end(),
                        [](const DialogLine& line) { return line.kind == '!'; });
}

void play(const Dialog& dialog, FilterUnderTest& filter)
{
    Player(dialog, filter).play();
}

} // namespace smtpauth::test
