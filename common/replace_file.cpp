#include "common/replace_file.hpp"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "common/disk_io.hpp"

namespace smtpauth {

namespace {

std::string failure(const std::string& path, const char* what, int error)
{
    return fmt::format("{}: {}: {}", path, what, std::generic_category().message(error));
}

} // namespace

std::optional<std::string> replace_file(Disk& disk, const std::string& path, std::string_view content, mode_t mode)
{
    const std::string fresh = path + ".new";
    int error = 0;
    {
        const DiskFile file(disk, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, mode);
        if (!file)
            return failure(fresh, "cannot open", errno);
        if (!write_all(disk, file.fd(), content, 0) || !sync_file(disk, file.fd()))
            error = errno;
    }
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
