#include "ctl/control_client.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/file_descriptor.hpp"

namespace smtpauth {

namespace {

/// What takes the socket may be anybody.
constexpr std::size_t longest_answer = std::size_t{64} * 1024 * 1024;

ControlRefusal down(const std::string& what)
{
    const int error = errno;
    const bool late = error == EAGAIN;
    return {"down", what + ": " + (late ? "no answer in time" : std::generic_category().message(error))};
}

/// Connected; none, and errno says why.
FileDescriptor connect_to(const std::string& path, std::chrono::milliseconds patience)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval time{patience.count() / 1000, patience.count() % 1000 * 1000};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time); // connect() heeds it too
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return {};
    return socket;
}

} // namespace

ControlResult ask_daemon(const std::string& path, const std::string& request, std::chrono::milliseconds patience)
{
    const FileDescriptor socket = connect_to(path, patience);
    if (!socket)
        return down("cannot connect");
    // A daemon that is too busy to read this has answered already, and its answer says more than a failed send().
    ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL);

    std::string answer;
    while (!answer.ends_with('\n') && answer.size() < longest_answer) {
        std::array<char, 65536> buffer;
        const ssize_t count = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (count < 0)
            return down("cannot receive");
        if (count == 0)
            return ControlRefusal{"down", "closed the connection without an answer"};
        answer.append(buffer.data(), static_cast<std::size_t>(count));
    }
    answer.pop_back();
    return parse_control_answer(answer);
}

} // namespace smtpauth
