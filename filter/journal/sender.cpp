#include "filter/journal/sender.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "common/log.hpp"

namespace smtpauth {

namespace {

constexpr std::chrono::milliseconds shortest_pause(100);
constexpr std::chrono::milliseconds longest_pause(5000);
constexpr std::chrono::seconds welcome_timeout(10);

/// Octets under way that the collector has not acknowledged. Two of the largest frames: a window that could
/// close in the middle of a frame would wait for ever for that frame's ACK.
constexpr std::uint64_t window = std::uint64_t{2} * event::max_frame_length;

/// Octets written in one turn of the loop: the mail path's turn comes in between.
constexpr std::size_t octets_a_turn = std::size_t{256} * 1024;

constexpr std::size_t scratch_size = 4096;

std::string reason_of(int error)
{
    return std::generic_category().message(error);
}

std::string path_of(const SocketSpec& spec)
{
    const auto* unix_socket = std::get_if<UnixSocketSpec>(&spec);
    return unix_socket ? unix_socket->path : std::string();
}

} // namespace

Sender::Sender(asio::io_context& io, MemoryJournal& journal, const SocketSpec& collector, std::string instance)
    : io_(io),
      journal_(journal),
      path_(path_of(collector)),
      instance_(std::move(instance)),
      socket_(io),
      timer_(io),
      patience_(io),
      scratch_(scratch_size, '\0'),
      pause_(shortest_pause)
{
    journal_.on_append([this] { schedule_pump(); });
    asio::co_spawn(io_, run(), [](const std::exception_ptr& error) {
        if (error)
            std::rethrow_exception(error);
    });
}

Sender::~Sender()
{
    journal_.on_append(nullptr);
}

void Sender::flush(std::chrono::milliseconds patience, std::function<void()> done)
{
    done_ = std::move(done);
    if (journal_.waiting() == 0) {
        asio::post(io_, [this] { finish(); });
        return;
    }
    patience_.expires_after(patience);
    patience_.async_wait([this](const boost::system::error_code& error) {
        if (!error)
            finish();
    });
    // Tries now what would have been tried later.
    pause_ = shortest_pause;
    if (!welcomed_)
        timer_.cancel();
}

Task<void> Sender::run()
{
    while (!finished_) {
        auto failure = connect();
        if (!failure)
            failure = co_await talk();
        boost::system::error_code ignored;
        socket_.close(ignored);
        if (finished_)
            co_return;
        if (welcomed_ && std::chrono::steady_clock::now() - welcomed_at_ > longest_pause)
            pause_ = shortest_pause;
        welcomed_ = false;
        note_failure(*failure);
        timer_.expires_after(pause_);
        pause_ = std::min(2 * pause_, longest_pause);
        co_await timer_.async_wait(asio::as_tuple(use_task));
    }
}

/// A UNIX socket connects at once or not at all, so nothing has to be waited for.
std::optional<std::string> Sender::connect()
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path)
        return fmt::format("path of {} octets, expected at most {}", path_.size(), sizeof address.sun_path - 1);
    std::memcpy(address.sun_path, path_.data(), path_.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return reason_of(errno);
    boost::system::error_code error;
    socket_.assign(asio::generic::stream_protocol(AF_UNIX, 0), fd, error);
    if (error) {
        ::close(fd);
        return error.message();
    }
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return reason_of(errno);
    return std::nullopt;
}

/// Sends and receives until something fails. @return  what did.
Task<std::string> Sender::talk()
{
    decoder_ = event::FrameDecoder();
    if (auto failure = greet())
        co_return *failure;
    while (true) {
        const auto [error] = co_await socket_.async_wait(StreamSocket::wait_read, asio::as_tuple(use_task));
        if (error)
            co_return welcomed_ ? error.message() : "no WELCOME";
        const ssize_t count = ::recv(socket_.native_handle(), scratch_.data(), scratch_.size(), MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (count < 0)
            co_return reason_of(errno);
        if (count == 0)
            co_return welcomed_ ? "closed the connection" : "closed the connection instead of a WELCOME";
        if (auto failure = receive(event::Bytes(scratch_).substr(0, static_cast<std::size_t>(count))))
            co_return *failure;
    }
}

std::optional<std::string> Sender::greet()
{
    event::Hello hello;
    hello.journal = journal_.identity().journal;
    hello.epoch = journal_.identity().epoch;
    hello.first_unacknowledged = journal_.first_unacknowledged();
    hello.instance = instance_;
    std::string frame;
    append_frame(frame, hello);
    const ssize_t sent = ::send(socket_.native_handle(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent != static_cast<ssize_t>(frame.size()))
        return "HELLO not sent: " + reason_of(errno);
    timer_.expires_after(welcome_timeout);
    timer_.async_wait([this](const boost::system::error_code& error) {
        boost::system::error_code ignored; // the socket may be closed already: its end came in the same turn
        if (!error && !welcomed_)
            socket_.cancel(ignored);
    });
    return std::nullopt;
}

std::optional<std::string> Sender::receive(event::Bytes bytes)
{
    decoder_.feed(bytes);
    while (const auto frame = decoder_.next()) {
        if (auto failure = take(*frame))
            return failure;
    }
    if (decoder_.failed())
        return decoder_.error();
    return std::nullopt;
}

std::optional<std::string> Sender::take(const event::Frame& frame)
{
    if (const auto* welcome_frame = std::get_if<event::Welcome>(&frame)) {
        if (welcomed_ || welcome_frame->version < event::lowest_version ||
            welcome_frame->version > event::highest_version)
            return fmt::format("WELCOME to version {}, expected one from {} to {}", welcome_frame->version,
                               event::lowest_version, event::highest_version);
        welcome();
        return std::nullopt;
    }
    const auto* ack = std::get_if<event::Ack>(&frame);
    if (!ack)
        return std::nullopt;
    if (!welcomed_ || !was_sent(ack->sequence) || !journal_.trim(ack->sequence))
        return fmt::format("ACK of record {}, which was not sent", ack->sequence);
    pause_ = shortest_pause;
    if (done_ && journal_.waiting() == 0)
        finish();
    else
        pump();
    return std::nullopt;
}

bool Sender::was_sent(std::uint64_t sequence) const
{
    return sequence < journal_.first_unacknowledged() ||
           (sequence <= journal_.last() && journal_.position_of(sequence + 1) <= sent_);
}

void Sender::welcome()
{
    welcomed_ = true;
    welcomed_at_ = std::chrono::steady_clock::now();
    outage_ = false;
    timer_.cancel();
    log::info("collector at {}: connected, {} events to send", path_, journal_.waiting());
    sent_ = journal_.position_of(journal_.first_unacknowledged());
    pump();
}

void Sender::schedule_pump()
{
    if (!welcomed_ || pump_scheduled_ || waiting_writable_)
        return;
    // Once a turn, so that the records of many connections share a write.
    pump_scheduled_ = true;
    asio::post(io_, [this] {
        pump_scheduled_ = false;
        pump();
    });
}

/// Writes what the socket takes.
void Sender::pump()
{
    if (!welcomed_ || waiting_writable_)
        return;
    for (std::size_t written = 0; window_is_open();) {
        const event::Bytes frames = journal_.frames_from(sent_);
        if (frames.empty())
            return;
        if (written >= octets_a_turn)
            return schedule_pump();
        const ssize_t count =
            ::send(socket_.native_handle(), frames.data(), frames.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return wait_until_writable();
        if (count < 0) {
            // The reading side sees the end too, reads what was still acknowledged, and gives the reason.
            return;
        }
        sent_ += static_cast<std::uint64_t>(count);
        written += static_cast<std::size_t>(count);
    }
}

bool Sender::window_is_open() const
{
    const std::uint64_t unsent = journal_.end_position() - sent_;
    return journal_.held_bytes() - unsent < window;
}

void Sender::wait_until_writable()
{
    waiting_writable_ = true;
    socket_.async_wait(StreamSocket::wait_write, [this](const boost::system::error_code& error) {
        waiting_writable_ = false;
        if (!error)
            pump();
    });
}

/// Once an outage.
void Sender::note_failure(const std::string& reason)
{
    if (!std::exchange(outage_, true))
        log::error("collector at {}: {}; {} events in memory, next try in {} s", path_, reason, journal_.waiting(),
                   std::chrono::duration<double>(pause_).count());
}

void Sender::finish()
{
    if (std::exchange(finished_, true))
        return;
    if (journal_.waiting() != 0)
        log::error("collector at {}: {} events were not acknowledged", path_, journal_.waiting());
    boost::system::error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    patience_.cancel();
    std::exchange(done_, nullptr)();
}

} // namespace smtpauth
