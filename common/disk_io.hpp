// Reading, writing and syncing whole pieces of files, in spite of short counts and EINTR.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include "common/disk.hpp"

namespace smtpauth {

/// A file of a disk, closed once.
class DiskFile {
public:
    /// @param flags, mode  as open() takes them. Where that fails, errno says why.
    DiskFile(Disk& disk, const std::string& path, int flags, mode_t mode = 0)
        : disk_(disk),
          fd_(disk.open(path, flags, mode))
    {
    }
    /// @param fd  of an open file of that disk, or negative.
    DiskFile(Disk& disk, int fd) : disk_(disk), fd_(fd) {}
    DiskFile(const DiskFile&) = delete;
    DiskFile& operator=(const DiskFile&) = delete;
    ~DiskFile()
    {
        if (fd_ >= 0)
            disk_.close(fd_);
    }

    explicit operator bool() const { return fd_ >= 0; }
    int fd() const { return fd_; }

private:
    Disk& disk_;
    int fd_;
};

/// @return  false, with errno, where not all could be written.
inline bool write_all(Disk& disk, int fd, std::string_view bytes, off_t offset)
{
    while (!bytes.empty()) {
        const ssize_t count = disk.write_at(fd, bytes.data(), bytes.size(), offset);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            if (count == 0)
                errno = ENOSPC;
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
        offset += count;
    }
    return true;
}

/// Reads up to `size` octets: fewer only where the file ends. @return  false, with errno, where reading failed.
inline bool read_all(Disk& disk, int fd, std::size_t size, off_t offset, std::string& to)
{
    to.resize(size);
    std::size_t done = 0;
    while (done < size) {
        const ssize_t count = disk.read_at(fd, to.data() + done, size - done, offset + static_cast<off_t>(done));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        if (count == 0)
            break;
        done += static_cast<std::size_t>(count);
    }
    to.resize(done);
    return true;
}

/// An interrupted sync has not failed; any other failure is final for this descriptor.
inline bool sync_file(Disk& disk, int fd)
{
    while (disk.sync(fd) != 0)
        if (errno != EINTR)
            return false;
    return true;
}

} // namespace smtpauth
