#include "collector/stats_log/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "collector/stats_log/local_time.hpp"
#include "collector/stats_log/rotated_name.hpp"
#include "common/disk_io.hpp"
#include "common/log.hpp"

namespace smtpauth {

namespace {

constexpr mode_t log_mode = 0640;
constexpr int open_flags = O_RDWR | O_APPEND | O_NONBLOCK;

/// A line of ours is never longer; where the last line feed is further back, the file is not cut but ended.
constexpr off_t max_half_line = off_t{64} * 1024 * 1024;

constexpr off_t tail_block = 65536;

constexpr int max_rotations_a_day = 10000;

/// Where the last whole line ends: 0 if there is none within max_half_line, -1 if reading failed.
off_t end_of_last_line(Disk& disk, int fd, off_t size)
{
    std::string text;
    const off_t lowest = std::max<off_t>(0, size - max_half_line);
    for (off_t end = size; end > lowest;) {
        const off_t begin = std::max<off_t>(lowest, end - tail_block);
        const auto wanted = static_cast<std::size_t>(end - begin);
        if (!read_all(disk, fd, wanted, begin, text))
            return -1;
        if (text.size() != wanted) {
            errno = EIO; // it shrank meanwhile
            return -1;
        }
        if (const auto at = text.rfind('\n'); at != std::string_view::npos)
            return begin + static_cast<off_t>(at) + 1;
        end = begin;
    }
    return 0;
}

} // namespace

LogFile::LogFile(std::string path, const Clock& clock, Disk& disk) : path_(std::move(path)), clock_(clock), disk_(disk)
{
}

LogFile::~LogFile()
{
    forget_file();
}

std::optional<LogFile::Error> LogFile::open()
{
    if (auto error = see_what_others_did())
        return error;
    if (fd_ < 0) {
        if (auto error = open_file())
            return error;
    }
    if (distrusted_) {
        if (auto error = trust_again())
            return error;
    }
    // A line that is begun is ended in the file where it stands.
    if (written_ == 0 && is_of_earlier_day()) {
        if (auto error = rotate())
            return error;
        return open_file();
    }
    return std::nullopt;
}

std::optional<LogFile::Error> LogFile::open_file()
{
    fd_ = disk_.open(path_, open_flags, 0);
    if (fd_ < 0 && errno == ENOENT) {
        // First the name is free on the disk too: else a power cut could give it to the new file and none to the old.
        if (auto error = sync_directory())
            return error;
        fd_ = disk_.open(path_, open_flags | O_CREAT | O_EXCL, log_mode);
        // The umask may have taken bits away that the readers' group needs.
        if (fd_ >= 0)
            disk_.change_mode(fd_, log_mode);
    }
    if (fd_ < 0)
        return failure("cannot open", errno);
    unsynced_ = true;
    new_name_ = true;
    auto error = take_stock();
    if (error)
        forget_file();
    return error;
}

/// Learns the opened file's size and day, and mends its end.
std::optional<LogFile::Error> LogFile::take_stock()
{
    struct stat status {};
    if (disk_.status(fd_, status) != 0)
        return failure("cannot look at", errno);
    if (!S_ISREG(status.st_mode))
        return fmt::format("{}: not a regular file", path_);
    if (inode_ != status.st_ino)
        ++file_number_;
    inode_ = status.st_ino;
    begin_ = status.st_size;
    if (begin_ == 0)
        return std::nullopt;
    day_ = local_date(event::Time(std::chrono::seconds(status.st_mtim.tv_sec)));
    return cut_half_line();
}

std::optional<LogFile::Error> LogFile::cut_half_line()
{
    const off_t end = end_of_last_line(disk_, fd_, begin_);
    if (end < 0)
        return failure("cannot read", errno);
    if (end == begin_)
        return std::nullopt;
    if (end == 0 && begin_ > max_half_line) {
        log::error("{}: no line feed in the last {} octets; its last line is ended, not cut", path_, max_half_line);
        if (disk_.write(fd_, "\n", 1) != 1)
            return failure("cannot write", errno);
        ++begin_;
        return std::nullopt;
    }
    log::warning("{}: cut {} octets of an unfinished line at offset {}", path_, begin_ - end, end);
    if (disk_.truncate(fd_, end) != 0)
        return failure("cannot cut", errno);
    begin_ = end;
    // Else a power cut could leave blocks of this line among those of the next.
    if (!sync_file(disk_, fd_) && durable_)
        return failure("cannot sync", errno);
    return std::nullopt;
}

/// Notices a rename that was told, and what other programs did to the file without telling us.
std::optional<LogFile::Error> LogFile::see_what_others_did()
{
    const bool told = reopen_;
    if (fd_ < 0) {
        reopen_ = false;
        return std::nullopt;
    }
    struct stat mine {};
    struct stat named {};
    if (disk_.status(fd_, mine) != 0)
        return failure("cannot look at", errno);
    const bool gone = disk_.status(path_, named) != 0;
    if (gone && errno != ENOENT)
        return failure("cannot look at", errno);
    const bool renamed = gone || mine.st_ino != named.st_ino || mine.st_dev != named.st_dev;
    const bool shrank = mine.st_size < begin_ + static_cast<off_t>(written_);
    if (!renamed && !told && !shrank) {
        // Where others appended, theirs is as safe as they made it.
        if (written_ == 0)
            begin_ = mine.st_size;
        return std::nullopt;
    }
    if (renamed && !told)
        log::warning("{}: was renamed or removed without a signal USR1 to this process; opened anew", path_);
    if (shrank)
        log::error("{}: shrank from {} to {} octets: another program truncates it, which loses lines; use rename and "
                   "USR1 (no copytruncate)",
                   path_, begin_ + static_cast<off_t>(written_), mine.st_size);
    if (auto error = leave_file())
        return error;
    if (renamed)
        inode_ = 0;
    reopen_ = false;
    return std::nullopt;
}

/// Gives the file up for the next of its name. Lines that are not safe yet go there: none may stand in both.
std::optional<LogFile::Error> LogFile::leave_file()
{
    if (written_ > 0 || distrusted_) {
        if (auto error = cut_back())
            return error;
    }
    if (unsynced_ && !sync_file(disk_, fd_) && durable_)
        return failure("cannot sync", errno);
    forget_file();
    return std::nullopt;
}

bool LogFile::is_of_earlier_day() const
{
    return !day_.empty() && day_ < local_date(clock_.now());
}

std::optional<LogFile::Error> LogFile::rotate()
{
    const std::string dated = path_ + '.' + day_;
    if (auto error = leave_file())
        return error;
    for (int number = 0; number < max_rotations_a_day; ++number) {
        const std::string target = number == 0 ? dated : fmt::format("{}.{}", dated, number);
        // Compressed, a file gives its plain name free, not its place.
        struct stat status {};
        if (disk_.status(target + std::string(compressed_suffix), status) == 0)
            continue;
        if (errno == ENOENT && disk_.rename_to_free(path_, target) == 0) {
            log::info("{}: renamed to {}", path_, target);
            inode_ = 0;
            return std::nullopt;
        }
        const int error = errno;
        if (error != EEXIST)
            return failure("cannot rename to " + target, error);
    }
    return fmt::format("{}: {} has been used {} times", path_, dated, max_rotations_a_day);
}

std::optional<LogFile::Error> LogFile::commit()
{
    if (kept_.empty() && !(durable_ && needs_sync()))
        return std::nullopt;
    if (auto error = open())
        return error;
    if (auto error = write_kept())
        return error;
    if (durable_)
        return sync();
    forget_kept();
    return std::nullopt;
}

/// After an error the next call goes on at the very octet where this one stopped.
std::optional<LogFile::Error> LogFile::write_kept()
{
    while (written_ < kept_.size()) {
        const ssize_t count = disk_.write(fd_, kept_.data() + written_, kept_.size() - written_);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return failure("cannot write", count < 0 ? errno : ENOSPC);
        written_ += static_cast<std::size_t>(count);
        unsynced_ = true;
        day_ = local_date(clock_.now());
    }
    return std::nullopt;
}

std::optional<LogFile::Error> LogFile::sync()
{
    if (unsynced_ && !sync_file(disk_, fd_)) {
        distrusted_ = true;
        return failure("cannot sync", errno);
    }
    unsynced_ = false;
    forget_kept();
    return new_name_ ? sync_directory() : std::nullopt;
}

std::optional<LogFile::Error> LogFile::sync_directory()
{
    const std::string directory = std::filesystem::path(path_).parent_path();
    if (disk_.sync_directory(directory.empty() ? "." : directory) != 0)
        return failure("cannot sync the directory", errno);
    new_name_ = false;
    return std::nullopt;
}

/// After a sync that failed: by a fresh descriptor, since the kernel tells each of a failed write once.
std::optional<LogFile::Error> LogFile::trust_again()
{
    const int fresh = disk_.open(path_, open_flags, 0);
    if (fresh < 0)
        return failure("cannot open", errno);
    struct stat status {};
    if (disk_.status(fresh, status) != 0 || status.st_ino != inode_) {
        disk_.close(fresh);
        return fmt::format("{}: cannot be opened again to be mended", path_);
    }
    disk_.close(std::exchange(fd_, fresh));
    return cut_back();
}

/// Takes the lines that are not safe out of the file again; they stay in memory.
std::optional<LogFile::Error> LogFile::cut_back()
{
    struct stat status {};
    if (disk_.status(fd_, status) != 0)
        return failure("cannot look at", errno);
    if (status.st_size > begin_ && disk_.truncate(fd_, begin_) != 0)
        return failure("cannot cut", errno);
    begin_ = std::min(begin_, status.st_size);
    written_ = 0;
    unsynced_ = true;
    distrusted_ = false;
    return std::nullopt;
}

/// They are safe.
void LogFile::forget_kept()
{
    begin_ += static_cast<off_t>(written_);
    written_ = 0;
    kept_.clear();
}

void LogFile::forget_file()
{
    if (fd_ >= 0)
        disk_.close(fd_);
    fd_ = -1;
    day_.clear();
    begin_ = 0;
    written_ = 0;
    distrusted_ = false;
}

LogFile::Error LogFile::failure(std::string_view what, int error) const
{
    return fmt::format("{}: {}: {}", path_, what, std::generic_category().message(error));
}

} // namespace smtpauth
