#include "tests/bench/load_run.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace smtpauth::bench {

namespace {

using namespace std::chrono_literals;

constexpr auto reconnect_pause = 5ms;

/// How long a run that is over waits for answers; what has none by then is broken.
constexpr auto last_patience = 10s;

/// How late a signal may be seen that comes just before epoll_wait().
constexpr int longest_wait_ms = 100;

constexpr int shortest_pause_ms = 1000;
constexpr int longest_pause_ms = 10000;

constexpr std::uint16_t first_port = 1024;
constexpr std::size_t ports = 60000;

constexpr std::size_t scratch_bytes = 65536;
constexpr int events_at_once = 256;

[[noreturn]] void fail(const char* call)
{
    throw std::system_error(errno, std::generic_category(), call);
}

sockaddr_un address_of(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw std::runtime_error(path + ": too long for a socket");
    path.copy(address.sun_path, path.size());
    return address;
}

} // namespace

LoadRun::LoadRun(const LoadOptions& options, Tally& tally)
    : options_(options),
      tally_(tally),
      shape_(options.recipients, options.body_bytes),
      accounts_(options.ids, options.zipf, options.refused_share, options.seed),
      random_(options.seed),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      clients_(options.connections + options.pause_sessions + options.idle_connections)
{
    if (!epoll_)
        fail("epoll_create1");
    for (std::size_t at = 0; at < clients_.size(); ++at) {
        clients_[at].port = static_cast<std::uint16_t>(first_port + at % ports);
        clients_[at].idles = at >= options.connections + options.pause_sessions;
        clients_[at].pauses = at >= options.connections && !clients_[at].idles;
    }
}

void LoadRun::run()
{
    start_ = now_ = last_answer_ = Clock::now();
    for (Client& client : clients_)
        connect(client);
    std::array<epoll_event, events_at_once> events{};
    for (look_at_clock(); !over(); look_at_clock()) {
        wake_sleepers();
        begin_what_is_due();
        const int count = ::epoll_wait(epoll_.get(), events.data(), events_at_once, patience_ms());
        if (count < 0 && errno != EINTR)
            fail("epoll_wait");
        for (int at = 0; at < count; ++at) {
            const epoll_event& event = events.at(static_cast<std::size_t>(at));
            serve(*static_cast<Client*>(event.data.ptr), event.events);
        }
    }
    end_all();
}

void LoadRun::look_at_clock()
{
    now_ = Clock::now();
    const bool time_is_up = options_.seconds > 0 && seconds_since_start() >= options_.seconds;
    const bool all_begun = options_.messages > 0 && begun_ >= options_.messages;
    if (!stopping_ && (stop_asked != 0 || time_is_up || all_begun))
        stopping_ = now_;
}

bool LoadRun::may_begin() const
{
    return !stopping_ && (options_.messages == 0 || begun_ < options_.messages);
}

bool LoadRun::over() const
{
    return stopping_ && (in_message_ == 0 || now_ - *stopping_ > last_patience);
}

void LoadRun::end_all()
{
    for (Client& client : clients_) {
        if (client.session && client.session->in_message())
            lose(client);
        else if (client.session)
            quit(client);
    }
}

// Connections

void LoadRun::connect(Client& client)
{
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket)
        fail("socket");
    const sockaddr_un address = address_of(options_.socket);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ++counters_.failed_connects;
        sleep(client, reconnect_pause);
        return;
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &client;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &event) != 0)
        fail("epoll_ctl");
    client.socket = std::move(socket);
    client.session.emplace(shape_, client.port);
    client.messages = 0;
    client.wants_to_write = false;
    write(client);
}

void LoadRun::serve(Client& client, std::uint32_t events)
{
    if ((events & EPOLLOUT) != 0)
        write(client);
    if ((events & ~std::uint32_t{EPOLLOUT}) != 0)
        read(client);
}

void LoadRun::read(Client& client)
{
    std::array<char, scratch_bytes> scratch;
    const ssize_t count = ::recv(client.socket.get(), scratch.data(), scratch.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0)
        return lose(client);
    try {
        take(client, {scratch.data(), static_cast<std::size_t>(count)});
    } catch (const std::runtime_error& error) {
        std::fprintf(stderr, "load: %s\n", error.what());
        lose(client);
    }
}

void LoadRun::take(Client& client, milter::Bytes bytes)
{
    const std::uint64_t replies = client.session->replies();
    const auto answer = client.session->receive(bytes);
    counters_.replies += client.session->replies() - replies;
    if (answer)
        end(client, answer->outcome, answer->at_end_of_message);
    if (answer || client.session->ready())
        return go_on(client);
    client.asked = Clock::now();
    write(client);
}

/// What the socket takes. Where the filter is gone, reading tells what it said before.
void LoadRun::write(Client& client)
{
    std::string& output = client.session->output();
    while (!output.empty()) {
        const ssize_t sent = ::send(client.socket.get(), output.data(), output.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            return watch_writing(client, true);
        if (sent < 0 && errno != EINTR)
            output.clear();
        output.erase(0, static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    }
    watch_writing(client, false);
}

void LoadRun::watch_writing(Client& client, bool wanted)
{
    if (std::exchange(client.wants_to_write, wanted) == wanted)
        return;
    epoll_event event{};
    event.events = EPOLLIN;
    if (wanted)
        event.events |= EPOLLOUT;
    event.data.ptr = &client;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, client.socket.get(), &event) != 0)
        fail("epoll_ctl");
}

void LoadRun::lose(Client& client)
{
    ++counters_.lost;
    const bool in_message = client.session->in_message();
    const bool between = client.session->ready();
    client.socket.reset();
    client.session.reset();
    std::erase(waiting_, &client);
    if (in_message)
        end(client, Outcome::broken, false);
    if (between)
        ++counters_.lost_between;
    if (between && client.pauses)
        client.lost_in_pause = true; // and its pause goes on
    else
        sleep(client, reconnect_pause);
}

void LoadRun::quit(Client& client)
{
    client.session->quit();
    write(client);
    client.socket.reset();
    client.session.reset();
}

// Messages

/// A connection has nothing to do. What nobody answers (CONNECT, ABORT) goes out together with the next message where
/// that follows at once: Postfix flushes its buffer when it waits for an answer.
void LoadRun::go_on(Client& client)
{
    if (!may_begin() || client.idles)
        return write(client);
    if (options_.messages_per_connection > 0 && client.messages >= options_.messages_per_connection) {
        quit(client);
        connect(client);
    } else if (client.pauses) {
        write(client);
        std::uniform_int_distribution<int> pause(shortest_pause_ms, longest_pause_ms);
        sleep(client, std::chrono::milliseconds(pause(random_)));
    } else if (options_.rate > 0) {
        write(client);
        waiting_.push_back(&client);
    } else {
        begin(client);
    }
}

void LoadRun::begin(Client& client)
{
    ++client.messages;
    ++in_message_;
    client.queue_id = options_.prefix + "-" + std::to_string(++begun_);
    client.session->begin(client.queue_id, accounts_.next());
    client.began = client.asked = Clock::now();
    write(client);
}

void LoadRun::begin_what_is_due()
{
    const auto due = static_cast<std::uint64_t>(seconds_since_start() * options_.rate);
    while (!waiting_.empty() && begun_ < due && may_begin()) {
        Client& client = *waiting_.front();
        waiting_.pop_front();
        begin(client);
    }
}

void LoadRun::end(Client& client, Outcome outcome, bool at_end_of_message)
{
    --in_message_;
    last_answer_ = Clock::now();
    tally_.add({client.queue_id, outcome, at_end_of_message, client.pauses, last_answer_ - client.asked,
                last_answer_ - client.began});
}

// Time

void LoadRun::sleep(Client& client, Clock::duration pause)
{
    sleepers_.emplace(Clock::now() + pause, &client);
}

void LoadRun::wake_sleepers()
{
    while (!sleepers_.empty() && sleepers_.begin()->first <= now_) {
        Client& client = *sleepers_.begin()->second;
        sleepers_.erase(sleepers_.begin());
        if (!stopping_)
            wake(client);
    }
}

void LoadRun::wake(Client& client)
{
    if (client.session && may_begin())
        return begin(client);
    if (std::exchange(client.lost_in_pause, false) && may_begin()) {
        ++in_message_;
        client.queue_id = options_.prefix + "-" + std::to_string(++begun_);
        client.began = client.asked = Clock::now();
        end(client, Outcome::broken, false);
    }
    if (!client.session)
        connect(client);
}

/// Until something is to be done that no event tells of.
int LoadRun::patience_ms() const
{
    Time next = now_ + std::chrono::milliseconds(longest_wait_ms);
    if (!sleepers_.empty())
        next = std::min(next, sleepers_.begin()->first);
    if (!waiting_.empty())
        next = std::min(next, now_ + 1ms);
    return static_cast<int>(
        std::chrono::ceil<std::chrono::milliseconds>(std::max(next - now_, Clock::duration(0))).count());
}

} // namespace smtpauth::bench
