#include "common/file_watch.hpp"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string_view>
#include <utility>

namespace smtpauth {

namespace {

constexpr std::uint32_t replaced_events = IN_CLOSE_WRITE | IN_MOVED_TO;
constexpr std::uint32_t modified_events = IN_MODIFY | IN_CREATE | IN_ATTRIB;
constexpr std::uint32_t vanished_events = IN_DELETE | IN_MOVED_FROM;
constexpr std::uint32_t lost_events = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT;

/// What happened to the file, as far as it still matters: the last word counts.
struct Changes {
    bool replaced = false;
    bool modified = false;
    bool vanished = false;
    bool watch_lost = false;

    void add(std::uint32_t events)
    {
        if ((events & vanished_events) != 0) {
            replaced = modified = false;
            vanished = true;
        }
        if ((events & (replaced_events | modified_events)) != 0)
            vanished = false;
        replaced = replaced || (events & replaced_events) != 0;
        modified = modified || (events & modified_events) != 0;
    }
};

/// What stat() says of the file.
struct Look {
    bool exists = false;
    struct stat status {};
};

Look look_at(const std::string& path)
{
    Look look;
    look.exists = ::lstat(path.c_str(), &look.status) == 0;
    return look;
}

bool same_time(const timespec& a, const timespec& b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

Changes compare(const Look& before, const Look& now)
{
    Changes changes;
    if (!now.exists) {
        changes.vanished = before.exists;
        return changes;
    }
    const struct stat& a = before.status;
    const struct stat& b = now.status;
    changes.replaced = !before.exists || a.st_ino != b.st_ino || a.st_dev != b.st_dev;
    changes.modified = !changes.replaced &&
                       (a.st_size != b.st_size || !same_time(a.st_mtim, b.st_mtim) || !same_time(a.st_ctim, b.st_ctim));
    return changes;
}

} // namespace

struct FileWatch::State : std::enable_shared_from_this<FileWatch::State> {
    State(asio::io_context& io, std::string watched, Handlers callbacks, Method how)
        : path(std::move(watched)),
          handlers(std::move(callbacks)),
          method(how),
          inotify(io),
          timer(io)
    {
        const auto slash = path.rfind('/');
        directory = slash == 0 ? "/" : path.substr(0, slash);
        name = path.substr(slash + 1);
    }

    void start()
    {
        if (method == Method::poll || !watch_directory())
            poll_later();
        last = look_at(path);
    }

    void stop()
    {
        stopped = true;
        timer.cancel();
        inotify.close();
    }

    bool watch_directory()
    {
        const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        if (fd < 0)
            return false;
        constexpr std::uint32_t events =
            replaced_events | modified_events | vanished_events | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
        if (::inotify_add_watch(fd, directory.c_str(), events) < 0) {
            ::close(fd);
            return false;
        }
        inotify.assign(fd);
        wait_for_events();
        return true;
    }

    void wait_for_events()
    {
        inotify.async_wait(Descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
            if (!error && !self->stopped)
                self->read_events();
        });
    }

    void read_events()
    {
        Changes changes;
        alignas(inotify_event) std::array<char, std::size_t{16} * 1024> buffer;
        ssize_t n = 0;
        while ((n = ::read(inotify.native_handle(), buffer.data(), buffer.size())) > 0)
            for (ssize_t at = 0; at < n;) {
                inotify_event event{};
                std::memcpy(&event, buffer.data() + at, sizeof event);
                const char* const event_name = buffer.data() + at + sizeof event;
                add(changes, event, event.len > 0 ? event_name : "");
                at += static_cast<ssize_t>(sizeof event + event.len);
            }
        if (changes.watch_lost) {
            inotify.close();
            poll();
        } else {
            wait_for_events();
            tell(changes);
        }
    }

    void add(Changes& changes, const inotify_event& event, std::string_view event_name) const
    {
        if ((event.mask & lost_events) != 0)
            changes.watch_lost = true;
        else if ((event.mask & IN_Q_OVERFLOW) != 0)
            changes.add(replaced_events); // events are missing: as if all had happened
        else if (event_name == name)
            changes.add(event.mask);
    }

    void poll_later()
    {
        timer.expires_after(poll_interval);
        timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error && !self->stopped)
                self->poll();
        });
    }

    void poll()
    {
        // The watch first: what happens behind its back is seen by the look that follows.
        if (method == Method::poll || !watch_directory())
            poll_later();
        const Look now = look_at(path);
        const Changes changes = compare(std::exchange(last, now), now);
        tell(changes);
    }

    void tell(const Changes& changes)
    {
        if (changes.vanished)
            call(handlers.vanished);
        if (changes.modified)
            call(handlers.modified);
        if (changes.replaced)
            call(handlers.replaced);
    }

    void call(const std::function<void()>& handler) const
    {
        if (handler && !stopped)
            handler();
    }

    std::string path;
    std::string directory;
    std::string name;
    Handlers handlers;
    Method method;
    Descriptor inotify;
    Timer timer;
    Look last; // of the last poll
    bool stopped = false;
};

FileWatch::FileWatch(asio::io_context& io, std::string path, Handlers handlers, Method method)
    : state_(std::make_shared<State>(io, std::move(path), std::move(handlers), method))
{
    state_->start();
}

FileWatch::~FileWatch()
{
    state_->stop();
}

bool FileWatch::uses_inotify() const
{
    return state_->inotify.is_open();
}

} // namespace smtpauth
