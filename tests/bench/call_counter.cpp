// Counts the system calls of the program that it is preloaded into, without slowing it down as strace does:
//
//     CALL_COUNTER_FILE=FILE LD_PRELOAD=libcall_counter.so PROGRAM
//
// FILE is an array of Counter, mapped, so that it can be read at any time. Counted are the calls that a program makes
// by libc's functions; those that libc makes by itself (waiting for a lock, starting a thread) are not seen.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace {

struct Counter {
    char name[24];
    std::atomic<std::uint64_t> calls;
};

constexpr std::size_t max_counters = 64;

Counter* make_counters()
{
    static Counter unread[max_counters]; // where there is no file
    const char* path = std::getenv("CALL_COUNTER_FILE");
    const int fd = path ? ::open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
    if (fd < 0 || ::ftruncate(fd, sizeof unread) != 0)
        return unread;
    void* const mapped = ::mmap(nullptr, sizeof unread, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return mapped == MAP_FAILED ? unread : static_cast<Counter*>(mapped);
}

Counter& counter_of(const char* name)
{
    static Counter* const counters = make_counters();
    static std::atomic<std::size_t> used = 0;
    Counter& counter = counters[used++ % max_counters];
    std::strncpy(counter.name, name, sizeof counter.name - 1);
    return counter;
}

} // namespace

// Each stands in front of libc's function of the same name.
// NOLINTBEGIN(bugprone-macro-parentheses): types and lists of parameters cannot stand in parentheses.
#define COUNTED(result, name, parameters, arguments)                                                                   \
    extern "C" result name parameters                                                                                  \
    {                                                                                                                  \
        static Counter& counter = counter_of(#name);                                                                   \
        static const auto next = reinterpret_cast<result(*) parameters>(::dlsym(RTLD_NEXT, #name));                    \
        counter.calls.fetch_add(1, std::memory_order_relaxed);                                                         \
        return next arguments;                                                                                         \
    }

COUNTED(ssize_t, read, (int fd, void* to, std::size_t size), (fd, to, size))
COUNTED(ssize_t, readv, (int fd, const iovec* parts, int count), (fd, parts, count))
COUNTED(ssize_t, pread, (int fd, void* to, std::size_t size, off_t at), (fd, to, size, at))
COUNTED(ssize_t, recv, (int fd, void* to, std::size_t size, int flags), (fd, to, size, flags))
COUNTED(ssize_t, recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags))
COUNTED(ssize_t, write, (int fd, const void* from, std::size_t size), (fd, from, size))
COUNTED(ssize_t, writev, (int fd, const iovec* parts, int count), (fd, parts, count))
COUNTED(ssize_t, pwrite, (int fd, const void* from, std::size_t size, off_t at), (fd, from, size, at))
COUNTED(ssize_t, send, (int fd, const void* from, std::size_t size, int flags), (fd, from, size, flags))
COUNTED(ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags))
COUNTED(int, epoll_wait, (int fd, epoll_event* events, int size, int timeout), (fd, events, size, timeout))
COUNTED(int, epoll_ctl, (int fd, int what, int of, epoll_event* event) noexcept, (fd, what, of, event))
COUNTED(int, poll, (pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))
COUNTED(int, accept, (int fd, sockaddr* address, socklen_t* size), (fd, address, size))
COUNTED(int, accept4, (int fd, sockaddr* address, socklen_t* size, int flags), (fd, address, size, flags))
COUNTED(int, close, (int fd), (fd))
COUNTED(int, shutdown, (int fd, int how) noexcept, (fd, how))
COUNTED(int, getsockopt, (int fd, int level, int name, void* value, socklen_t* size) noexcept,
        (fd, level, name, value, size))
COUNTED(int, setsockopt, (int fd, int level, int name, const void* value, socklen_t size) noexcept,
        (fd, level, name, value, size))
COUNTED(int, fdatasync, (int fd), (fd))
COUNTED(int, timerfd_settime, (int fd, int flags, const itimerspec* to, itimerspec* before) noexcept,
        (fd, flags, to, before))
// NOLINTEND(bugprone-macro-parentheses)
