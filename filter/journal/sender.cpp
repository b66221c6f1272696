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
constexpr std::chrono::seconds read_retry(1);

/// Between two looks for new records: to wake this thread for each would cost more than all the rest of it.
constexpr std::chrono::milliseconds turn_interval(5);

/// Octets under way that the collector has not acknowledged; one read of the journal may come on top.
constexpr std::size_t window = std::size_t{4} << 20;

/// Octets of the journal read at once.
constexpr std::size_t read_size = std::size_t{256} << 10;

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

Sender::Sender(asio::io_context& io, Catalogue& catalogue, Settings settings, Disk& disk)
    : io_(io),
      catalogue_(catalogue),
      settings_(std::move(settings)),
      path_(path_of(settings_.collector)),
      reader_(disk, catalogue),
      socket_(io),
      retry_(io),
      timer_(io),
      scratch_(scratch_size, '\0'),
      turn_timer_(io),
      pause_(shortest_pause)
{
    asio::co_spawn(io_, run(), [](const std::exception_ptr& error) {
        if (error)
            std::rethrow_exception(error);
    });
}

void Sender::wake()
{
    if (!woken_.exchange(true))
        asio::post(io_, [this] { turn(); });
}

/// At once after a while of quiet; else later, so that the records of many connections share a write.
void Sender::turn()
{
    const auto now = Timer::clock_type::now();
    if (now < next_turn_) {
        turn_timer_.expires_at(next_turn_);
        turn_timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error)
                turn();
        });
        return;
    }
    next_turn_ = now + turn_interval;
    woken_ = false;
    pump();
}

void Sender::stop()
{
    stopped_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    retry_.cancel();
    turn_timer_.cancel();
}

Sender::Figures Sender::figures() const
{
    const std::lock_guard lock(mutex_);
    return figures_;
}

Task<void> Sender::run()
{
    while (!stopped_) {
        auto failure = connect();
        if (!failure)
            failure = co_await talk();
        boost::system::error_code ignored;
        socket_.close(ignored);
        if (stopped_)
            co_return;
        if (welcomed_ && std::chrono::steady_clock::now() - welcomed_at_ > longest_pause)
            pause_ = shortest_pause;
        welcomed_ = false;
        if (std::exchange(journal_ended_, false))
            continue;
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

/// Sends and receives until something fails, or the journal has ended. @return  what did.
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
    hello.journal = reader_.seek(catalogue_.acknowledged(), settings_.journal);
    hello.first_unacknowledged = catalogue_.acknowledged() + 1;
    hello.instance = settings_.instance;
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
    if (const auto* ack = std::get_if<event::Ack>(&frame))
        return take_ack(ack->sequence);
    return std::nullopt;
}

std::optional<std::string> Sender::take_ack(std::uint64_t sequence)
{
    if (!welcomed_ ||
        (sequence > catalogue_.acknowledged() && (in_flight_.empty() || sequence > in_flight_.back().last)))
        return fmt::format("ACK of record {}, which was not sent", sequence);
    const bool was_full = in_flight_bytes_ >= window;
    while (!in_flight_.empty() && in_flight_.front().last <= sequence) {
        in_flight_bytes_ -= in_flight_.front().bytes;
        in_flight_.pop_front();
    }
    catalogue_.acknowledge(sequence);
    pause_ = shortest_pause;
    if (in_flight_.empty())
        reader_.rest();
    if (end_journal())
        return "";
    publish();
    if (was_full)
        pump();
    return std::nullopt;
}

void Sender::welcome()
{
    welcomed_ = true;
    welcomed_at_ = std::chrono::steady_clock::now();
    outage_ = false;
    timer_.cancel();
    log::info("collector at {}: connected, records from {} on", path_, catalogue_.acknowledged() + 1);
    out_.clear();
    written_ = 0;
    in_flight_.clear();
    in_flight_bytes_ = 0;
    publish();
    pump();
}

/// Writes what the socket takes.
void Sender::pump()
{
    while (welcomed_ && !waiting_writable_ && socket_.is_open()) {
        if (written_ == out_.size() && !fetch())
            return;
        const ssize_t count = ::send(socket_.native_handle(), out_.data() + written_, out_.size() - written_,
                                     MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return wait_until_writable();
        if (count < 0)
            return; // the reading side sees the end too, reads what was still acknowledged, and gives the reason
        written_ += static_cast<std::size_t>(count);
    }
}

/// Takes the next records out of the journal. @return  false: there are none, or enough are under way.
bool Sender::fetch()
{
    out_.clear();
    written_ = 0;
    if (in_flight_bytes_ >= window)
        return false;
    const auto chunk = reader_.read(out_, read_size);
    if (chunk.last == 0) {
        if (reader_.is_failing()) {
            retry_.expires_after(read_retry);
            retry_.async_wait([this](const boost::system::error_code& error) {
                if (!error)
                    pump();
            });
        } else if (end_journal()) {
            socket_.cancel();
        }
        return false;
    }
    in_flight_.push_back({chunk.last, out_.size(), chunk.oldest});
    in_flight_bytes_ += out_.size();
    const std::lock_guard lock(mutex_);
    figures_.sent = chunk.last;
    return true;
}

/// Each journal has a connection of its own. @return  whether this one's is to end.
bool Sender::end_journal()
{
    journal_ended_ = in_flight_.empty() && reader_.journal_ended();
    return journal_ended_;
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
        log::error("collector at {}: {}; records wait in the journal from {} on, next try in {} s", path_, reason,
                   catalogue_.acknowledged() + 1, std::chrono::duration<double>(pause_).count());
    in_flight_.clear();
    publish();
    // Looks how old the records are that wait.
    out_.clear();
    reader_.seek(catalogue_.acknowledged(), settings_.journal);
    const auto oldest = reader_.read(out_, scratch_size).oldest;
    const std::lock_guard lock(mutex_);
    figures_.oldest = oldest;
    figures_.error = reason;
}

void Sender::publish()
{
    const std::lock_guard lock(mutex_);
    figures_.connected = welcomed_;
    figures_.acknowledged = catalogue_.acknowledged();
    figures_.oldest = in_flight_.empty() ? std::nullopt : in_flight_.front().oldest;
    if (welcomed_)
        figures_.error.clear();
}

SenderThread::SenderThread(Catalogue& catalogue, Sender::Settings settings)
    : sender_(io_, catalogue, std::move(settings)),
      thread_([this] { io_.run(); })
{
}

SenderThread::~SenderThread()
{
    asio::post(io_, [this] { sender_.stop(); });
    thread_.join();
}

} // namespace smtpauth
