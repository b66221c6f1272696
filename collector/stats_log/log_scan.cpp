#include "collector/stats_log/log_scan.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/log.hpp"

namespace smtpauth {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t block_size = std::size_t{256} * 1024;

/// A longer line is none of ours; its pieces are dropped so that memory stays bounded.
constexpr std::size_t max_line = std::size_t{64} * 1024 * 1024;

/// Ours, ".YYYYMMDD" and ".YYYYMMDD.N", and those of programs that rename and signal: ".1", "-20260301".
bool is_rotation_suffix(std::string_view suffix)
{
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    while (!suffix.empty()) {
        if (suffix[0] != '.' && suffix[0] != '-')
            return false;
        suffix.remove_prefix(1);
        const auto digits = std::find_if_not(suffix.begin(), suffix.end(), is_digit) - suffix.begin();
        if (digits == 0)
            return false;
        suffix.remove_prefix(static_cast<std::size_t>(digits));
    }
    return true;
}

std::vector<std::pair<fs::file_time_type, std::string>> rotated_files(const fs::path& path)
{
    std::vector<std::pair<fs::file_time_type, std::string>> found;
    const std::string name = path.filename();
    std::error_code error;
    for (fs::directory_iterator entry(path.parent_path(), error), end; !error && entry != end; entry.increment(error)) {
        const std::string candidate = entry->path().filename();
        std::error_code ignored;
        if (candidate.starts_with(name) && candidate != name &&
            is_rotation_suffix(std::string_view(candidate).substr(name.size())) &&
            entry->symlink_status(ignored).type() == fs::file_type::regular)
            found.emplace_back(entry->last_write_time(ignored), entry->path());
    }
    return found;
}

class ScannedFile {
public:
    explicit ScannedFile(const std::string& path)
        : path_(path),
          fd_(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK))
    {
    }
    ScannedFile(const ScannedFile&) = delete;
    ScannedFile& operator=(const ScannedFile&) = delete;
    ~ScannedFile()
    {
        if (fd_ >= 0)
            ::close(fd_);
    }

    /// Octets of the file; logs and returns nothing where it cannot be read.
    std::uint64_t size() const
    {
        struct stat status {};
        if (fd_ >= 0 && ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode))
            return static_cast<std::uint64_t>(status.st_size);
        log::error("{}: cannot be read back: {}", path_, std::generic_category().message(errno));
        return 0;
    }

    /// Calls `take` for the whole lines that begin at `begin` or later; the first one there may be half a line.
    void lines_from(std::uint64_t begin, const std::function<void(std::string_view)>& take)
    {
        std::string text;
        std::size_t used = 0;
        bool in_line = begin != 0;
        for (std::size_t count = read_block(begin, text); count != 0; count = read_block(begin, text)) {
            begin += count;
            std::size_t at = 0;
            for (std::size_t end = text.find('\n', used); end != std::string::npos; end = text.find('\n', at)) {
                if (!std::exchange(in_line, false))
                    take(std::string_view(text).substr(at, end - at));
                at = end + 1;
            }
            text.erase(0, at);
            if (text.size() > max_line) {
                text.clear();
                in_line = true;
            }
            used = text.size();
        }
    }

private:
    /// Appends what stands at `offset`. @return  the octets read, 0 at the end.
    std::size_t read_block(std::uint64_t offset, std::string& text)
    {
        const std::size_t kept = text.size();
        text.resize(kept + block_size);
        const ssize_t count = ::pread(fd_, text.data() + kept, block_size, static_cast<off_t>(offset));
        text.resize(kept + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        if (count < 0)
            log::error("{}: cannot be read back: {}", path_, std::generic_category().message(errno));
        return text.size() - kept;
    }

    std::string path_;
    int fd_;
};

} // namespace

std::vector<std::string> newest_log_files(const std::string& path, std::size_t max_files)
{
    auto rotated = rotated_files(path);
    std::sort(rotated.rbegin(), rotated.rend());
    std::vector<std::string> files;
    std::error_code ignored;
    if (fs::symlink_status(path, ignored).type() == fs::file_type::regular)
        files.push_back(path);
    for (auto& [written, name] : rotated)
        files.push_back(std::move(name));
    if (files.size() > max_files)
        files.resize(max_files);
    return files;
}

void scan_log(const std::string& path, const ScanLimits& limits, const std::function<void(std::string_view line)>& take)
{
    std::uint64_t left = limits.max_bytes;
    for (const std::string& name : newest_log_files(path, limits.max_files)) {
        ScannedFile file(name);
        const std::uint64_t size = file.size();
        const std::uint64_t used = std::min(size, left);
        file.lines_from(size - used, take);
        left -= used;
        if (left == 0)
            break;
    }
}

} // namespace smtpauth
