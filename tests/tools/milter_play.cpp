// Plays dialogs (*.milter) and recordings (*.jsonl) to a running filter, in the MTA's role. Checks the replies only;
// what the filter records is seen in the collector's logs.
//
//     milter_play [--idle N] [--patience SECONDS] SOCKET FILE...
//     milter_play --reject-ids FILE...        prints the reject list that the dialogs need
//
// Exit status: 0 all went as written, 1 something did not, 64 bad usage.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "proto/milter/mta_session.hpp"
#include "tests/support/capture_player.hpp"
#include "tests/support/dialog_player.hpp"
#include "tests/tools/socket_filter.hpp"

namespace {

using namespace smtpauth;
using namespace smtpauth::test;

struct Arguments {
    bool print_reject_ids = false;
    std::size_t idle = 0;
    std::chrono::seconds patience{10};
    std::string socket;
    std::vector<std::string> files;
};

int usage()
{
    std::fputs("usage: milter_play [--idle N] [--patience SECONDS] SOCKET FILE...\n"
               "       milter_play --reject-ids FILE...\n",
               stderr);
    return 64;
}

/// Throws what std::stoul throws.
Arguments parse(int argc, char** argv)
{
    Arguments arguments;
    std::vector<std::string> words(argv + 1, argv + argc);
    std::size_t at = 0;
    for (; at < words.size() && words[at].starts_with("--"); ++at) {
        if (words[at] == "--reject-ids")
            arguments.print_reject_ids = true;
        else if (words[at] == "--idle")
            arguments.idle = std::stoul(words.at(++at));
        else if (words[at] == "--patience")
            arguments.patience = std::chrono::seconds(std::stoul(words.at(++at)));
        else
            throw std::invalid_argument(words[at]);
    }
    if (!arguments.print_reject_ids)
        arguments.socket = words.at(at++);
    arguments.files.assign(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
    return arguments;
}

bool is_capture(const std::string& path)
{
    return path.ends_with(".jsonl");
}

int print_reject_ids(const std::vector<std::string>& files)
{
    std::set<std::string> ids;
    for (const std::string& path : files) {
        if (is_capture(path))
            continue;
        const Dialog dialog = read_dialog(path);
        if (needs_no_inside(dialog))
            for (const std::string& id : dialog.setting("reject_ids"))
                ids.insert(id);
    }
    for (const std::string& id : ids)
        std::printf("%s\n", id.c_str());
    return 0;
}

/// What a real MTA leaves behind between two messages: a connection that has negotiated and told its client.
class IdleConnection {
public:
    explicit IdleConnection(FilterUnderTest& filter) : connection_(filter.connect())
    {
        milter::MtaSession mta({milter::newest_version, milter::action::version_6, milter::protocol::version_6, {}});
        std::string out;
        mta.append_offer(out);
        connection_->send(out);
        const auto answer = connection_->receive();
        if (!answer || answer->empty())
            throw std::runtime_error("an idle connection got no answer to its negotiation");
        out.clear();
        milter::append_command(out, milter::Connect{"idle.example.net", milter::Family::ipv4, 1, "192.0.2.9"});
        connection_->send(out);
    }

    /// Throws if the filter has forgotten it.
    void quit()
    {
        std::string out;
        milter::append_command(out, milter::Command::quit);
        connection_->send(out);
        const auto rest = connection_->receive();
        if (!rest || !rest->empty())
            throw std::runtime_error("an idle connection did not end with QUIT");
    }

private:
    std::unique_ptr<Connection> connection_;
};

std::vector<std::unique_ptr<IdleConnection>> idle_connections(std::size_t count, FilterUnderTest& filter)
{
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);

    std::vector<std::unique_ptr<IdleConnection>> connections;
    while (connections.size() < count)
        connections.push_back(std::make_unique<IdleConnection>(filter));
    return connections;
}

/// From the new connection to the answer at end of message, in milliseconds.
double time_of_a_message(FilterUnderTest& filter)
{
    Dialog dialog;
    dialog.path = "one message";
    dialog.lines = {{1, '>', {"CONNECT", "client.example.net", "192.0.2.7", "58210"}},
                    {2, '>', {"MACRO", "MAIL", "auth_authen=milter-play"}},
                    {3, '>', {"MAIL", "<a@example.com>"}},
                    {4, '>', {"RCPT", "<b@example.org>"}},
                    {5, '>', {"MACRO", "EOM", "i=milter-play"}},
                    {6, '>', {"EOM"}},
                    {7, '<', {"CONTINUE"}}};
    const auto start = std::chrono::steady_clock::now();
    play(dialog, filter);
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// Says how it went. False: not as written.
bool play_file(const std::string& path, FilterUnderTest& filter)
{
    try {
        if (is_capture(path)) {
            const Capture capture = read_capture(path);
            const std::size_t replies = replay(capture, filter, Offer::as_answered).replies;
            std::printf("ok    %s: %zu replies, %zu where none need be given\n", path.c_str(), replies,
                        replay(capture, filter, Offer::all).replies);
            return true;
        }
        const Dialog dialog = read_dialog(path);
        if (!needs_no_inside(dialog)) {
            std::printf("SKIP  %s: needs other settings or a look inside\n", path.c_str());
            return true;
        }
        play(dialog, filter);
        std::printf("ok    %s\n", path.c_str());
        return true;
    } catch (const std::exception& error) {
        std::printf("FAIL  %s\n", error.what());
        return false;
    }
}

int run(const Arguments& arguments)
{
    auto spec = parse_socket_spec(arguments.socket);
    if (const auto* error = std::get_if<std::string>(&spec)) {
        std::fprintf(stderr, "milter_play: %s\n", error->c_str());
        return 64;
    }
    SocketFilter filter(std::get<SocketSpec>(spec), arguments.patience);
    const auto idle = idle_connections(arguments.idle, filter);
    if (!idle.empty()) {
        const double first = time_of_a_message(filter);
        std::printf("a message took %.2f ms, the next %.2f ms, beside %zu idle connections\n", first,
                    time_of_a_message(filter), idle.size());
    }
    std::size_t failures = 0;
    for (const std::string& path : arguments.files)
        if (!play_file(path, filter))
            ++failures;
    for (const auto& connection : idle)
        connection->quit();
    std::printf("%zu files, %zu failed\n", arguments.files.size(), failures);
    return failures == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    Arguments arguments;
    try {
        arguments = parse(argc, argv);
    } catch (const std::exception&) {
        return usage();
    }
    try {
        return arguments.print_reject_ids ? print_reject_ids(arguments.files) : run(arguments);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "milter_play: %s\n", error.what());
        return 1;
    }
}
