// A file descriptor that is closed once.
#pragma once

#include <unistd.h>

#include <utility>

namespace smtpauth {

class FileDescriptor {
public:
    FileDescriptor() = default;
    /// Takes ownership; -1 is none, so the result of open() may be passed as it is.
    explicit FileDescriptor(int fd) : fd_(fd) {}

    FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept
    {
        if (this != &other) {
            reset();
            fd_ = other.release();
        }
        return *this;
    }
    FileDescriptor(const FileDescriptor&) = delete;
    FileDescriptor& operator=(const FileDescriptor&) = delete;
    ~FileDescriptor() { reset(); }

    explicit operator bool() const { return fd_ >= 0; }
    int get() const { return fd_; }

    /// The caller closes it.
    int release() { return std::exchange(fd_, -1); }

    void reset()
    {
        if (fd_ >= 0)
            ::close(std::exchange(fd_, -1));
    }

private:
    int fd_ = -1;
};

} // namespace smtpauth
