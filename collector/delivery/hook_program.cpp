#include "collector/delivery/hook_program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <exception>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "common/disk_io.hpp"
#include "common/escape.hpp"
#include "common/file_descriptor.hpp"

namespace smtpauth {

namespace {

constexpr std::size_t max_output = 2048;
constexpr std::size_t max_output_lines = 5;

std::string errno_text(const char* what)
{
    return fmt::format("{}: {}", what, std::generic_category().message(errno));
}

/// The input as a file in memory: whoever does not read it blocks nobody.
FileDescriptor input_file(std::string_view input)
{
    FileDescriptor file(::memfd_create("alarm", MFD_CLOEXEC));
    if (!file || !write_all(system_disk(), file.get(), input, 0))
        return {};
    return file;
}

struct Child {
    pid_t pid = -1;
    FileDescriptor process; ///< readable at its end
    FileDescriptor output;  ///< both of its outputs
};

/// What posix_spawn() wants to know, freed at the end.
class SpawnOrders {
public:
    SpawnOrders(int input, int output)
    {
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
        ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
        ::posix_spawn_file_actions_addchdir_np(&actions, "/");
        ::posix_spawnattr_init(&attributes);
        sigset_t signals;
        ::sigfillset(&signals);
        ::posix_spawnattr_setsigdefault(&attributes, &signals); // the daemon ignores SIGPIPE, a program should not
        ::sigemptyset(&signals);
        ::posix_spawnattr_setsigmask(&attributes, &signals);
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
    }
    SpawnOrders(const SpawnOrders&) = delete;
    SpawnOrders& operator=(const SpawnOrders&) = delete;
    ~SpawnOrders()
    {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    }

    posix_spawn_file_actions_t actions{};
    posix_spawnattr_t attributes{};
};

/// @return  "", or why not.
std::string start(std::vector<std::string> argv, std::string_view input, Child& child)
{
    const FileDescriptor file = input_file(input);
    std::array<int, 2> ends{};
    if (!file || ::pipe2(ends.data(), O_CLOEXEC) != 0)
        return errno_text("no descriptors");
    child.output = FileDescriptor(ends[0]);
    const FileDescriptor output(ends[1]);
    ::fcntl(child.output.get(), F_SETFL, O_NONBLOCK);
    std::vector<char*> words;
    words.reserve(argv.size() + 1);
    for (std::string& word : argv)
        words.push_back(word.data());
    words.push_back(nullptr);
    std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    std::string language = "LANG=C.UTF-8";
    const std::array<char*, 3> environment{path.data(), language.data(), nullptr};
    const SpawnOrders orders(file.get(), output.get());
    errno = ::posix_spawn(&child.pid, words[0], &orders.actions, &orders.attributes, words.data(), environment.data());
    if (errno != 0)
        return errno_text("cannot start");
    // glibc 2.36 declares pidfd_open() for C only.
    child.process = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
    if (child.process)
        return "";
    std::string error = errno_text("pidfd_open");
    ::kill(-child.pid, SIGKILL); // nobody would hear of its end
    ::waitpid(child.pid, nullptr, 0);
    return error;
}

std::vector<std::string> first_lines(std::string_view output)
{
    std::vector<std::string> lines;
    while (!output.empty() && lines.size() < max_output_lines) {
        const std::string_view line = output.substr(0, output.find('\n'));
        if (!line.empty())
            lines.push_back(escape_controls(line));
        output.remove_prefix(std::min(line.size() + 1, output.size()));
    }
    return lines;
}

/// A program that runs; shared with the handlers that wait for its end.
class Run : public std::enable_shared_from_this<Run> {
public:
    Run(asio::io_context& io, Child child)
        : pid_(child.pid),
          process_(io, child.process.release()),
          output_(io, child.output.release()),
          deadline_(io),
          ended_(io, Timer::time_point::max())
    {
    }

    Task<HookOutcome> wait(std::chrono::milliseconds timeout)
    {
        process_.async_wait(Descriptor::wait_read,
                            [self = shared_from_this()](const boost::system::error_code& /*error*/) {
                                self->is_over_ = true;
                                self->deadline_.cancel();
                                self->output_.cancel();
                                self->ended_.cancel();
                            });
        deadline_.expires_after(timeout);
        deadline_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (error || self->is_over_)
                return;
            self->is_late_ = true;
            ::kill(-self->pid_, SIGKILL); // its session's group, which bears its number until it is waited for
        });
        bool open = true;
        while (!is_over_ && open) {
            const auto [error] = co_await output_.async_wait(Descriptor::wait_read, asio::as_tuple(use_task));
            open = !error && read_output();
        }
        while (!is_over_)
            co_await ended_.async_wait(asio::as_tuple(use_task));
        read_output();
        HookOutcome outcome;
        outcome.error = fate(timeout);
        outcome.output = first_lines(kept_);
        co_return outcome;
    }

private:
    /// @return  false where nothing more will come.
    bool read_output()
    {
        std::array<char, 4096> buffer;
        for (;;) {
            const ssize_t count = ::read(output_.native_handle(), buffer.data(), buffer.size());
            if (count < 0)
                return errno == EAGAIN || errno == EINTR;
            if (count == 0)
                return false;
            const std::size_t room = max_output - kept_.size();
            kept_.append(buffer.data(), std::min(static_cast<std::size_t>(count), room));
            if (!is_over_)
                return true; // others want the thread, too
            if (room == 0)
                return false;
        }
    }

    std::string fate(std::chrono::milliseconds timeout)
    {
        siginfo_t info{};
        ::waitid(P_PIDFD, static_cast<id_t>(process_.native_handle()), &info, WEXITED);
        if (is_late_)
            return fmt::format("not ended within {} s, killed", std::chrono::duration<double>(timeout).count());
        if (info.si_code != CLD_EXITED)
            return fmt::format("ended by signal {}", info.si_status);
        return info.si_status == 0 ? "" : fmt::format("ended with status {}", info.si_status);
    }

    const pid_t pid_;
    Descriptor process_;
    Descriptor output_;
    Timer deadline_;
    Timer ended_;
    bool is_over_ = false;
    bool is_late_ = false;
    std::string kept_;
};

} // namespace

Task<HookOutcome> run_hook(asio::io_context& io, std::vector<std::string> argv, std::string input,
                           std::chrono::milliseconds timeout)
{
    HookOutcome outcome;
    try {
        Child child;
        outcome.error = start(std::move(argv), input, child);
        if (outcome.error.empty()) {
            const auto run = std::make_shared<Run>(io, std::move(child));
            outcome = co_await run->wait(timeout);
        }
    } catch (const std::exception& error) {
        outcome.error = error.what();
    }
    co_return outcome;
}

} // namespace smtpauth
