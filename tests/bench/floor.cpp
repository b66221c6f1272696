// The floor: what answering an MTA costs a program that does nothing else. One thread and one epoll, one read that
// feeds many packets, one write for all answers; asks an MTA for exactly what smtpauth-filter asks for, and answers
// "continue".
//
//     floor [--count] SOCKET
//
// --count: headers and body come too, and their octets are counted. Ended by TERM, and tells then what it has seen.
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <list>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>

#include "common/file_descriptor.hpp"
#include "filter/profile.hpp"
#include "proto/milter/negotiation.hpp"
#include "proto/milter/wire.hpp"

namespace {

using namespace smtpauth;

constexpr std::size_t scratch_bytes = 65536;
constexpr int events_at_once = 256;
constexpr std::size_t length_bytes = 4;

volatile std::sig_atomic_t stop_asked = 0;

int checked(int result, const char* call)
{
    if (result < 0)
        throw std::system_error(errno, std::generic_category(), call);
    return result;
}

struct Connection {
    FileDescriptor socket;
    std::string rest; ///< of a packet that has not come whole
    std::list<Connection>::iterator self;
};

class Floor {
public:
    Floor(const char* path, bool count)
        : wish_(wish({count, false})),
          epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
          listener_(checked(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"))
    {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
        checked(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
        checked(::listen(listener_.get(), SOMAXCONN), "listen");
        watch(listener_.get(), nullptr);
    }

    void run()
    {
        std::array<epoll_event, events_at_once> events{};
        while (stop_asked == 0) {
            const int count = ::epoll_wait(epoll_.get(), events.data(), events_at_once, -1);
            for (int at = 0; at < count; ++at) {
                auto* connection = static_cast<Connection*>(events.at(static_cast<std::size_t>(at)).data.ptr);
                if (!connection)
                    accept();
                else if (!serve(*connection))
                    connections_.erase(connection->self);
            }
        }
        std::printf("%llu messages, %llu octets of headers and body\n", messages_, octets_);
    }

private:
    void watch(int fd, Connection* connection)
    {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = connection;
        checked(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    }

    void accept()
    {
        for (;;) {
            FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (!socket)
                return;
            const auto at = connections_.insert(connections_.end(), Connection{std::move(socket), {}, {}});
            at->self = at;
            watch(at->socket.get(), &*at);
        }
    }

    /// @return  false: the connection is over.
    bool serve(Connection& connection)
    {
        const ssize_t received = ::recv(connection.socket.get(), scratch_.data(), scratch_.size(), 0);
        if (received <= 0)
            return false;
        std::string_view bytes(scratch_.data(), static_cast<std::size_t>(received));
        if (!connection.rest.empty())
            bytes = connection.rest.append(bytes);
        replies_.clear();
        while (bytes.size() >= length_bytes) {
            const std::size_t length = milter::read_u32(bytes);
            if (bytes.size() - length_bytes < length)
                break;
            if (length == 0 || !take(bytes.substr(length_bytes, length)))
                return false;
            bytes.remove_prefix(length_bytes + length);
        }
        connection.rest = std::string(bytes);
        return replies_.empty() || ::send(connection.socket.get(), replies_.data(), replies_.size(), MSG_NOSIGNAL) > 0;
    }

    /// @param packet  command and data.
    /// @return  false: the MTA wants no more.
    bool take(std::string_view packet)
    {
        using milter::Command;
        switch (static_cast<Command>(packet[0])) {
        case Command::negotiate:
            return negotiate(packet);
        case Command::end_of_message:
            ++messages_;
            [[fallthrough]];
        case Command::mail:
            milter::append_packet(replies_, static_cast<char>(milter::Reply::proceed));
            return true;
        case Command::header:
        case Command::body:
            octets_ += packet.size() - 1;
            return true;
        default:
            return packet[0] != static_cast<char>(Command::quit);
        }
    }

    bool negotiate(std::string_view packet)
    {
        const auto command = milter::parse_command({packet[0], packet.substr(1)});
        const auto* offer = std::get_if<milter::Negotiate>(&command);
        if (!offer)
            return false;
        const auto agreed = milter::negotiate(*offer, wish_);
        if (const auto* agreement = std::get_if<milter::Agreement>(&agreed))
            milter::append_negotiation(replies_, *agreement, wish_);
        return !replies_.empty();
    }

    const milter::Wish& wish_;
    FileDescriptor epoll_;
    FileDescriptor listener_;
    std::list<Connection> connections_;
    std::array<char, scratch_bytes> scratch_{};
    std::string replies_;
    unsigned long long messages_ = 0;
    unsigned long long octets_ = 0;
};

void stop_by_signal()
{
    struct sigaction action {};
    action.sa_handler = [](int) { stop_asked = 1; };
    ::sigaction(SIGTERM, &action, nullptr);
}

void raise_open_files_limit()
{
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

} // namespace

int main(int argc, char** argv)
{
    const bool count = argc == 3 && std::string_view(argv[1]) == "--count";
    if (argc != 2 && !count) {
        std::fprintf(stderr, "usage: floor [--count] SOCKET\n");
        return 64;
    }
    try {
        stop_by_signal();
        raise_open_files_limit();
        Floor(argv[argc - 1], count).run();
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "floor: %s\n", error.what());
        return 1;
    }
}
