// Takes the datagrams of libmilter_filter and throws them away: somebody has to read them.
//
//     datagram_sink SOCKET
//
// Ended by TERM.
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdio>

namespace {

constexpr std::size_t at_once = 64;
constexpr std::size_t datagram_bytes = 2048;

} // namespace

int main(int argc, char** argv)
{
    if (argc != 2) {
        std::fprintf(stderr, "usage: datagram_sink SOCKET\n");
        return 64;
    }
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[1]);
    if (socket < 0 || ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        std::perror("datagram_sink");
        return 1;
    }
    static std::array<std::array<char, datagram_bytes>, at_once> buffers;
    std::array<iovec, at_once> parts{};
    std::array<mmsghdr, at_once> datagrams{};
    for (std::size_t at = 0; at < at_once; ++at) {
        parts.at(at) = {buffers.at(at).data(), datagram_bytes};
        datagrams.at(at).msg_hdr.msg_iov = &parts.at(at);
        datagrams.at(at).msg_hdr.msg_iovlen = 1;
    }
    for (;;)
        ::recvmmsg(socket, datagrams.data(), at_once, MSG_WAITFORONE, nullptr);
}
