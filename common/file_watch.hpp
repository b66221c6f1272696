// Tells when one file changes: inotify on its directory, or a look every 250 ms where inotify fails
// (no instance left, no such directory yet). Reads nothing of the file.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "common/asio.hpp"

namespace smtpauth {

class FileWatch {
public:
    static constexpr std::chrono::milliseconds poll_interval{250};

    /// Called on the loop's thread. A handler may be called more often than the file changes, and may
    /// not destroy the FileWatch.
    struct Handlers {
        std::function<void()> replaced; ///< closed after writing, or another file under this name
        std::function<void()> modified; ///< written to; by polling one cannot see the end
        std::function<void()> vanished; ///< removed or renamed away
    };

    enum class Method { inotify_else_poll, poll };

    /// Watches from now on until destruction; the file need not exist. An absent file is not reported
    /// as vanished.
    /// @param path  absolute; a symbolic link is watched as such, not what it points to.
    FileWatch(asio::io_context& io, std::string path, Handlers handlers, Method method = Method::inotify_else_poll);
    ~FileWatch();
    FileWatch(const FileWatch&) = delete;
    FileWatch& operator=(const FileWatch&) = delete;

    /// True while the kernel tells; false while the file is polled.
    bool uses_inotify() const;

private:
    struct State;
    std::shared_ptr<State> state_; // coroutines and handlers that are still queued hold it too
};

} // namespace smtpauth
