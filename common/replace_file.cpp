#include "common/replace_file.hpp"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

namespace smtpauth {

namespace {

std::string failure(const std::string& path, const char* what, int error)
{
    return fmt::format("{}: {}: {}", path, what, std::generic_category().message(error));
}

/// @return  0 or an errno.
int write_all(Disk& disk, int fd, std::string_view content)
{
    while (!content.empty()) {
        const ssize_t count = disk.write(fd, content.data(), content.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count < 0 ? errno : ENOSPC;
        content.remove_prefix(static_cast<std::size_t>(count));
    }
    return disk.sync(fd) == 0 ? 0 : errno;
}

} // namespace

std::optional<std::string> replace_file(Disk& disk, const std::string& path, std::string_view content, mode_t mode)
{
    const std::string fresh = path + ".new";
    const int fd = disk.open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, mode);
    if (fd < 0)
        return failure(fresh, "cannot open", errno);
    const int error = write_all(disk, fd, content);
    disk.close(fd);
    if (error != 0) {
        disk.remove(fresh); // its octets are of use elsewhere where the disk is full
        return failure(fresh, "cannot write", error);
    }
    if (disk.rename(fresh, path) != 0)
        return failure(path, "cannot replace", errno);
    const std::string directory = std::filesystem::path(path).parent_path();
    if (disk.sync_directory(directory.empty() ? "." : directory) != 0)
        return failure(path, "cannot sync the directory", errno);
    return std::nullopt;
}

} // namespace smtpauth
