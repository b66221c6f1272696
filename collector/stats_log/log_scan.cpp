#include "collector/stats_log/log_scan.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "collector/stats_log/rotated_name.hpp"
#include "common/disk_io.hpp"

namespace smtpauth {

namespace {

constexpr std::size_t block_size = std::size_t{256} * 1024;

/// A longer line is none of ours; its pieces are dropped so that memory stays bounded.
constexpr std::size_t max_line = std::size_t{64} * 1024 * 1024;

ScanError failure(const std::string& path, const char* what)
{
    return fmt::format("{}: {}: {}", path, what, std::generic_category().message(errno));
}

/// Once more where it fails: what a stumbling disk hides here would be written twice.
template <class Call>
auto tried_twice(Call call)
{
    const auto result = call();
    return result < 0 ? call() : result;
}

struct Candidate {
    bool current = false;
    timespec written{};
    FoundLog log;
};

bool is_newer(const Candidate& a, const Candidate& b)
{
    const auto key = [](const Candidate& c) {
        return std::tie(c.current, c.written.tv_sec, c.written.tv_nsec, c.log.path);
    };
    return key(a) > key(b);
}

class ScannedFile {
public:
    ScannedFile(Disk& disk, const std::string& path)
        : disk_(disk),
          file_(disk, tried_twice([&] { return disk.open(path, O_RDONLY | O_NONBLOCK, 0); }))
    {
    }

    bool is_open() const { return static_cast<bool>(file_); }

    /// Appends what stands at `offset`. @return  the octets read, 0 at the end, -1 with errno.
    ssize_t read_block(std::uint64_t offset, std::string& text)
    {
        const std::size_t kept = text.size();
        text.resize(kept + block_size);
        const ssize_t count = tried_twice(
            [&] { return disk_.read_at(file_.fd(), text.data() + kept, block_size, static_cast<off_t>(offset)); });
        text.resize(kept + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        return count;
    }

private:
    Disk& disk_;
    DiskFile file_;
};

} // namespace

std::variant<std::vector<FoundLog>, ScanError> newest_log_files(Disk& disk, const std::string& path,
                                                                std::size_t max_files)
{
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    const std::string directory = parent.empty() ? "." : parent;
    const std::string name = std::filesystem::path(path).filename();
    std::vector<std::string> names;
    if (tried_twice([&] { return disk.list(directory, names); }) != 0) {
        if (errno == ENOENT)
            return std::vector<FoundLog>{};
        return failure(directory, "cannot list");
    }
    std::vector<Candidate> candidates;
    for (const std::string& candidate : names) {
        if (!candidate.starts_with(name) || !is_rotation_suffix(std::string_view(candidate).substr(name.size())))
            continue;
        const std::string file = parent / candidate;
        struct stat status {};
        if (tried_twice([&] { return disk.status(file, status); }) != 0)
            return failure(file, "cannot look at");
        if (S_ISREG(status.st_mode))
            candidates.push_back(
                {candidate == name, status.st_mtim, {file, status.st_ino, static_cast<std::uint64_t>(status.st_size)}});
    }
    std::sort(candidates.begin(), candidates.end(), is_newer);
    std::vector<FoundLog> found;
    for (Candidate& candidate : candidates)
        if (found.size() < max_files)
            found.push_back(std::move(candidate.log));
    return found;
}

std::optional<ScanError> scan_log_file(Disk& disk, const std::string& path, std::uint64_t begin, const TakeLine& take)
{
    ScannedFile file(disk, path);
    if (!file.is_open())
        return failure(path, "cannot open");
    std::string text; // what is read and not handed on, from `begin` on
    std::size_t searched = 0;
    bool in_line = begin != 0;
    while (true) {
        const ssize_t count = file.read_block(begin + text.size(), text);
        if (count < 0)
            return failure(path, "cannot read back");
        if (count == 0)
            return std::nullopt;
        std::size_t at = 0;
        for (std::size_t end = text.find('\n', searched); end != std::string::npos; end = text.find('\n', at)) {
            if (!std::exchange(in_line, false) && !take(std::string_view(text).substr(at, end - at), begin + at))
                return std::nullopt;
            at = end + 1;
        }
        if (text.size() - at > max_line) {
            at = text.size();
            in_line = true;
        }
        text.erase(0, at);
        begin += at;
        searched = text.size();
    }
}

} // namespace smtpauth
