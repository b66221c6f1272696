#include "common/disk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>

#include "common/file_descriptor.hpp"

namespace smtpauth {

namespace {

class SystemDisk final : public Disk {
public:
    int open(const std::string& path, int flags, mode_t mode) override
    {
        return ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode);
    }
    int close(int fd) override { return ::close(fd); }
    ssize_t read_at(int fd, void* to, std::size_t size, off_t offset) override { return ::pread(fd, to, size, offset); }
    ssize_t write(int fd, const void* from, std::size_t size) override { return ::write(fd, from, size); }
    ssize_t write_at(int fd, const void* from, std::size_t size, off_t offset) override
    {
        return ::pwrite(fd, from, size, offset);
    }
    int sync(int fd) override { return ::fdatasync(fd); }
    int truncate(int fd, off_t size) override { return ::ftruncate(fd, size); }
    int change_mode(int fd, mode_t mode) override { return ::fchmod(fd, mode); }
    int change_last_write(int fd, const timespec& time) override
    {
        const std::array<timespec, 2> times{{{0, UTIME_OMIT}, time}};
        return ::futimens(fd, times.data());
    }
    int status(int fd, struct stat& status) override { return ::fstat(fd, &status); }
    int status(const std::string& path, struct stat& status) override { return ::lstat(path.c_str(), &status); }
    int rename(const std::string& from, const std::string& to) override { return ::rename(from.c_str(), to.c_str()); }
    int remove(const std::string& path) override { return ::unlink(path.c_str()); }

    int rename_to_free(const std::string& from, const std::string& to) override
    {
        if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EINVAL && errno != ENOSYS)
            return -1;
        return ::link(from.c_str(), to.c_str()) == 0 ? ::unlink(from.c_str()) : -1;
    }

    int sync_directory(const std::string& path) override
    {
        const FileDescriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        return directory ? ::fsync(directory.get()) : -1;
    }

    int list(const std::string& path, std::vector<std::string>& names) override
    {
        names.clear();
        const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
        if (!directory)
            return -1;
        errno = 0;
        while (const dirent* entry = ::readdir(directory.get())) { // NOLINT(concurrency-mt-unsafe): a stream of its own
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..")
                names.emplace_back(name);
        }
        return errno == 0 ? 0 : -1;
    }
};

} // namespace

Disk& system_disk()
{
    static SystemDisk disk;
    return disk;
}

} // namespace smtpauth
