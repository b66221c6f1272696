// The file calls of what must outlast a crash (journal, logs), behind one interface: so that tests can make any call
// fail, or cut the power and see what is left. Blocks; for threads that may wait for a disk.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace smtpauth {

/// Each call means what the system's means (its name is in the comment) and fails alike: -1, and errno says why. None
/// repeats itself after EINTR or a short count.
class Disk {
public:
    Disk() = default;
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    virtual ~Disk() = default;

    virtual int open(const std::string& path, int flags, mode_t mode) = 0; ///< open, O_CLOEXEC | O_NOFOLLOW added
    virtual int close(int fd) = 0;                                         ///< close
    virtual ssize_t read_at(int fd, void* to, std::size_t size, off_t offset) = 0;          ///< pread
    virtual ssize_t write(int fd, const void* from, std::size_t size) = 0;                  ///< write
    virtual ssize_t write_at(int fd, const void* from, std::size_t size, off_t offset) = 0; ///< pwrite
    virtual int sync(int fd) = 0;                                                           ///< fdatasync
    virtual int truncate(int fd, off_t size) = 0;                                           ///< ftruncate
    virtual int change_mode(int fd, mode_t mode) = 0;                                       ///< fchmod
    virtual int change_last_write(int fd, const timespec& time) = 0;        ///< futimens, of st_mtim only
    virtual int status(int fd, struct stat& status) = 0;                    ///< fstat
    virtual int status(const std::string& path, struct stat& status) = 0;   ///< lstat
    virtual int rename(const std::string& from, const std::string& to) = 0; ///< rename: replaces
    /// renameat2 with RENAME_NOREPLACE; where the file system lacks that, link and unlink.
    virtual int rename_to_free(const std::string& from, const std::string& to) = 0;
    virtual int remove(const std::string& path) = 0; ///< unlink
    /// fsync of the directory: makes names in it, new, changed and gone, survive a power cut.
    virtual int sync_directory(const std::string& path) = 0;
    /// Names in the directory, unsorted, without "." and "..".
    virtual int list(const std::string& path, std::vector<std::string>& names) = 0;
};

/// The system's own calls. Any thread.
Disk& system_disk();

} // namespace smtpauth
