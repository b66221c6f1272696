#include "collector/stats_log/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "collector/stats_log/local_time.hpp"
#include "common/log.hpp"

namespace smtpauth {

namespace {

constexpr mode_t log_mode = 0640;
constexpr int open_flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;

/// A line of ours is never longer; where the last line feed is further back, the file is not cut but ended.
constexpr off_t max_half_line = off_t{64} * 1024 * 1024;

constexpr std::size_t tail_block = 65536;

constexpr int max_rotations_a_day = 10000;

/// Opens or makes the file. @return  the descriptor, or -1 with errno.
int open_log(const std::string& path, bool& made)
{
    made = false;
    int fd = ::open(path.c_str(), open_flags);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    fd = ::open(path.c_str(), open_flags | O_CREAT | O_EXCL, log_mode);
    made = fd >= 0;
    // The umask may have taken bits away that the readers' group needs.
    if (made)
        ::fchmod(fd, log_mode);
    return fd;
}

/// Where the last whole line ends: 0 if there is none within max_half_line, -1 if reading failed.
off_t end_of_last_line(int fd, off_t size)
{
    std::array<char, tail_block> block;
    const off_t lowest = std::max<off_t>(0, size - max_half_line);
    for (off_t end = size; end > lowest;) {
        const off_t begin = std::max<off_t>(lowest, end - static_cast<off_t>(block.size()));
        const ssize_t count = ::pread(fd, block.data(), static_cast<std::size_t>(end - begin), begin);
        if (count != end - begin)
            return -1;
        const std::string_view text(block.data(), static_cast<std::size_t>(count));
        if (const auto at = text.rfind('\n'); at != std::string_view::npos)
            return begin + static_cast<off_t>(at) + 1;
        end = begin;
    }
    return 0;
}

/// Renames without overwriting. @return  0 or an errno.
int rename_to_free_name(const std::string& from, const std::string& to)
{
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    // A file system without RENAME_NOREPLACE: link() does not overwrite either.
    if (::link(from.c_str(), to.c_str()) != 0 || ::unlink(from.c_str()) != 0)
        return errno;
    return 0;
}

} // namespace

LogFile::LogFile(std::string path, const Clock& clock) : path_(std::move(path)), clock_(clock) {}

LogFile::~LogFile()
{
    forget_file();
}

std::optional<LogFile::Error> LogFile::open()
{
    look_for_foreign_changes();
    if (fd_ < 0) {
        if (auto error = open_file())
            return error;
    }
    if (is_of_earlier_day()) {
        if (auto error = rotate())
            return error;
        return open_file();
    }
    return std::nullopt;
}

std::optional<LogFile::Error> LogFile::open_file()
{
    forget_file();
    bool made = false;
    fd_ = open_log(path_, made);
    if (fd_ < 0)
        return failure("cannot open", errno);
    new_name_ = new_name_ || made;
    auto error = take_stock();
    if (error)
        forget_file();
    return error;
}

/// Learns the opened file's size and day, and mends its end.
std::optional<LogFile::Error> LogFile::take_stock()
{
    struct stat status {};
    if (::fstat(fd_, &status) != 0)
        return failure("cannot look at", errno);
    if (!S_ISREG(status.st_mode))
        return fmt::format("{}: not a regular file", path_);
    size_ = status.st_size;
    if (size_ == 0)
        return std::nullopt;
    day_ = local_date(event::Time(std::chrono::seconds(status.st_mtim.tv_sec)));
    return cut_half_line();
}

std::optional<LogFile::Error> LogFile::cut_half_line()
{
    const off_t end = end_of_last_line(fd_, size_);
    if (end < 0)
        return failure("cannot read", errno);
    if (end == size_)
        return std::nullopt;
    if (end == 0 && size_ > max_half_line) {
        log::error("{}: no line feed in the last {} octets; its last line is ended, not cut", path_, max_half_line);
        if (::write(fd_, "\n", 1) != 1)
            return failure("cannot write", errno);
        ++size_;
        return std::nullopt;
    }
    log::warning("{}: cut {} octets of an unfinished line at offset {}", path_, size_ - end, end);
    if (::ftruncate(fd_, end) != 0)
        return failure("cannot cut", errno);
    size_ = end;
    return std::nullopt;
}

bool LogFile::is_of_earlier_day() const
{
    return !day_.empty() && day_ < local_date(clock_.now());
}

std::optional<LogFile::Error> LogFile::rotate()
{
    sync_before_closing();
    const std::string dated = path_ + '.' + day_;
    for (int number = 0; number < max_rotations_a_day; ++number) {
        const std::string target = number == 0 ? dated : fmt::format("{}.{}", dated, number);
        const int error = rename_to_free_name(path_, target);
        if (error == 0) {
            log::info("{}: renamed to {}", path_, target);
            new_name_ = true;
            return std::nullopt;
        }
        if (error != EEXIST)
            return failure("cannot rename to " + target, error);
    }
    return fmt::format("{}: {} has been used {} times", path_, dated, max_rotations_a_day);
}

std::optional<LogFile::Error> LogFile::flush()
{
    if (pending_.empty())
        return std::nullopt;
    // A line that is half written is finished first, in the file where it stands.
    if (written_ == 0) {
        if (auto error = open())
            return error;
    }
    return write_pending();
}

std::optional<LogFile::Error> LogFile::write_pending()
{
    while (written_ < pending_.size()) {
        const ssize_t count = ::write(fd_, pending_.data() + written_, pending_.size() - written_);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            const int error = errno;
            // Whole lines are done with: only a begun line has to be finished in this very file.
            const std::size_t lines = pending_.rfind('\n', written_ - 1) + 1;
            if (written_ > 0 && lines <= written_) {
                pending_.erase(0, lines);
                written_ -= lines;
            }
            return failure("cannot write", error);
        }
        written_ += static_cast<std::size_t>(count);
        size_ += count;
        unsynced_ = true;
        day_ = local_date(clock_.now());
    }
    pending_.clear();
    written_ = 0;
    return std::nullopt;
}

/// Notices what other programs did to the file without telling us.
void LogFile::look_for_foreign_changes()
{
    if (fd_ < 0 || written_ > 0)
        return;
    struct stat mine {};
    struct stat named {};
    if (::fstat(fd_, &mine) != 0 || ::stat(path_.c_str(), &named) != 0 || mine.st_ino != named.st_ino ||
        mine.st_dev != named.st_dev) {
        log::warning("{}: was renamed or removed without a signal USR1 to this process; opened anew", path_);
        reopen();
    } else if (mine.st_size < size_) {
        log::error("{}: shrank from {} to {} octets: another program truncates it, which loses lines; use rename and "
                   "USR1 (no copytruncate)",
                   path_, size_, mine.st_size);
    }
    if (fd_ >= 0)
        size_ = mine.st_size;
}

std::optional<LogFile::Error> LogFile::sync()
{
    if (unsynced_) {
        if (auto error = fd_ < 0 ? open() : std::nullopt)
            return error;
        if (::fdatasync(fd_) != 0) {
            // The kernel reports a failed write-back once per descriptor: the next try needs a fresh one.
            auto error = failure("cannot sync", errno);
            forget_file();
            return error;
        }
        unsynced_ = false;
    }
    return new_name_ ? sync_directory() : std::nullopt;
}

std::optional<LogFile::Error> LogFile::sync_directory()
{
    const std::string directory = std::filesystem::path(path_).parent_path();
    const int fd = ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int error = fd >= 0 && ::fsync(fd) == 0 ? 0 : errno;
    if (fd >= 0)
        ::close(fd);
    if (error != 0)
        return failure("cannot sync the directory", error);
    new_name_ = false;
    return std::nullopt;
}

void LogFile::reopen()
{
    if (fd_ >= 0 && written_ > 0) {
        // The begun line moves over to the new file as a whole.
        if (::ftruncate(fd_, size_ - static_cast<off_t>(written_)) != 0)
            log::error("{}", failure("cannot cut a half line", errno));
        written_ = 0;
    }
    sync_before_closing();
    forget_file();
}

/// For a file that sync() will not meet again.
void LogFile::sync_before_closing()
{
    if (fd_ >= 0 && unsynced_ && ::fdatasync(fd_) != 0)
        log::error("{}", failure("cannot sync", errno));
}

void LogFile::forget_file()
{
    if (fd_ >= 0)
        ::close(fd_);
    fd_ = -1;
    day_.clear();
    size_ = 0;
}

LogFile::Error LogFile::failure(std::string_view what, int error) const
{
    return fmt::format("{}: {}: {}", path_, what, std::generic_category().message(error));
}

} // namespace smtpauth
