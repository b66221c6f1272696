#include "ctl/log_follower.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace smtpauth {

namespace {

constexpr std::size_t block_size = std::size_t{64} * 1024;

} // namespace

LogFollower::LogFollower(Disk& disk, std::string path) : disk_(disk), path_(std::move(path))
{
    open(true);
}

void LogFollower::open(bool at_end)
{
    file_.emplace(disk_, path_, O_RDONLY | O_NONBLOCK);
    struct stat status {};
    if (!*file_ || disk_.status(file_->fd(), status) != 0) {
        file_.reset();
        return;
    }
    inode_ = status.st_ino;
    offset_ = at_end ? last_line_end(static_cast<std::uint64_t>(status.st_size)) : 0;
    text_.clear();
}

/// Where a line ends that is still being written, the rest of it is to come.
std::uint64_t LogFollower::last_line_end(std::uint64_t size) const
{
    std::string block;
    while (size != 0) {
        const std::uint64_t begin = size - std::min<std::uint64_t>(size, block_size);
        if (!read_all(disk_, file_->fd(), size - begin, static_cast<off_t>(begin), block))
            break;
        if (const std::size_t end = block.rfind('\n'); end != std::string::npos)
            return begin + end + 1;
        size = begin;
    }
    return size;
}

bool LogFollower::was_replaced() const
{
    struct stat status {};
    return disk_.status(path_, status) == 0 && status.st_ino != inode_;
}

void LogFollower::read(const std::function<void(std::string_view line)>& take)
{
    struct stat status {};
    if (disk_.status(file_->fd(), status) == 0 && static_cast<std::uint64_t>(status.st_size) < offset_) {
        offset_ = 0;
        text_.clear();
    }
    std::string block;
    while (read_all(disk_, file_->fd(), block_size, static_cast<off_t>(offset_), block) && !block.empty()) {
        offset_ += block.size();
        text_ += block;
        std::size_t at = 0;
        for (std::size_t end = 0; (end = text_.find('\n', at)) != std::string::npos; at = end + 1)
            take(std::string_view(text_).substr(at, end - at));
        text_.erase(0, at);
    }
}

void LogFollower::poll(const std::function<void(std::string_view line)>& take)
{
    if (!file_) {
        open(false);
        if (!file_)
            return;
    }
    const bool replaced = was_replaced(); // asked first: what is written until then stands in the old file
    read(take);
    if (!replaced)
        return;
    open(false);
    if (file_)
        read(take);
}

} // namespace smtpauth
