#include "common/replace_file.hpp"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace smtpauth {

FileReplacement::FileReplacement(Disk& disk, std::string path, mode_t mode)
    : disk_(disk),
      path_(std::move(path)),
      fresh_(path_ + ".new")
{
    file_.emplace(disk_, fresh_, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, mode);
    if (!*file_) {
        fail(fresh_, "cannot open");
        file_.reset();
    }
}

void FileReplacement::discard()
{
    if (file_) {
        file_.reset();
        disk_.remove(fresh_);
    }
}

bool FileReplacement::append(std::string_view bytes)
{
    if (!error_.empty())
        return false;
    if (!write_all(disk_, file_->fd(), bytes, size_))
        return fail(fresh_, "cannot write");
    size_ += static_cast<off_t>(bytes.size());
    return true;
}

bool FileReplacement::finish()
{
    if (error_.empty() && !sync_file(disk_, file_->fd()))
        fail(fresh_, "cannot write");
    if (!error_.empty()) {
        discard();
        return false;
    }
    file_.reset();
    if (disk_.rename(fresh_, path_) != 0)
        return fail(path_, "cannot replace");
    const std::string directory = std::filesystem::path(path_).parent_path();
    return disk_.sync_directory(directory.empty() ? "." : directory) == 0 || fail(path_, "cannot sync the directory");
}

/// Because of errno.
bool FileReplacement::fail(const std::string& path, const char* what)
{
    error_ = fmt::format("{}: {}: {}", path, what, std::generic_category().message(errno));
    return false;
}

std::optional<std::string> replace_file(Disk& disk, const std::string& path, std::string_view content, mode_t mode)
{
    FileReplacement file(disk, path, mode);
    if (file.append(content) && file.finish())
        return std::nullopt;
    return file.error();
}

} // namespace smtpauth
