#include "collector/stats_log/read_back.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "common/disk_io.hpp"
#include "common/log.hpp"

namespace smtpauth {

namespace {

constexpr std::size_t max_files = 10;
constexpr std::uint64_t max_older_bytes = std::uint64_t{256} * 1024 * 1024;
constexpr std::size_t copy_block = std::size_t{256} * 1024;

/// The end of the log's newest file, under a descriptor that can write anywhere.
class FileEnd {
public:
    FileEnd(Disk& disk, const std::string& path) : disk_(disk), file_(disk, path, O_RDWR | O_NONBLOCK) {}

    bool is_open() const { return static_cast<bool>(file_); }

    bool cut(std::uint64_t size) { return disk_.truncate(file_.fd(), static_cast<off_t>(size)) == 0; }

    /// A sync that fails may have thrown away what the process before wrote, and the next would not say so: what stands
    /// behind `safe` is written over itself and synced again.
    bool make_safe(std::uint64_t safe)
    {
        return sync_file(disk_, file_.fd()) || (rewrite(safe) && sync_file(disk_, file_.fd()));
    }

private:
    bool rewrite(std::uint64_t from)
    {
        std::string block;
        for (auto at = static_cast<off_t>(from);; at += static_cast<off_t>(block.size())) {
            if (!read_all(disk_, file_.fd(), copy_block, at, block) || !write_all(disk_, file_.fd(), block, at))
                return false;
            if (block.size() < copy_block)
                return true;
        }
    }

    Disk& disk_;
    DiskFile file_;
};

std::string failure(const std::string& path, const char* what)
{
    return fmt::format("{}: {}: {}", path, what, std::generic_category().message(errno));
}

/// Lines of one file that this program did not write.
struct ForeignLines {
    std::uint64_t count = 0;
    std::uint64_t first = 0; ///< offset

    void add(std::uint64_t offset)
    {
        if (count++ == 0)
            first = offset;
    }
};

class ReadBack {
public:
    ReadBack(Disk& disk, const std::string& path, const LogState& saved,
             const std::function<void(std::string_view, const LineMarks&)>& take)
        : disk_(disk),
          path_(path),
          saved_(saved),
          take_(take)
    {
        history_.before.advance(saved.before);
    }

    std::optional<ScanError> run()
    {
        auto found = newest_log_files(disk_, path_, max_files);
        if (auto* error = std::get_if<ScanError>(&found))
            return std::move(*error);
        files_ = std::move(std::get<std::vector<FoundLog>>(found));
        std::size_t last = 0; // the newest that has anything
        while (last < files_.size() && files_[last].size == 0)
            ++last;
        if (last == files_.size())
            return std::nullopt;
        const auto begins = where_to_begin();
        for (std::size_t at = files_.size(); at-- > last;) {
            auto error = read(files_[at], begins[at], at == last);
            if (error && files_[at].path == path_)
                return error;
            if (error)
                log::error("{}; records that stand there may be written once more", *error);
        }
        auto error = mend(files_[last]);
        if (!error || torn_ || files_[last].path == path_)
            return error;
        // Others may own what they renamed.
        log::error("{}", *error);
        return std::nullopt;
    }

    LogHistory take_history()
    {
        if (!files_.empty() && files_.front().path == path_)
            history_.inode = files_.front().inode;
        history_.all.advance(history_.before);
        history_.all.advance(current_);
        return std::move(history_);
    }

private:
    /// The offset in each file from which on it is read.
    std::vector<std::uint64_t> where_to_begin() const
    {
        std::vector<std::uint64_t> begins;
        std::uint64_t left = max_older_bytes;
        for (const FoundLog& file : files_) {
            const std::uint64_t used = file.path == path_ ? file.size : std::min(file.size, left);
            left -= file.path == path_ ? 0 : used;
            begins.push_back(file.size - used);
        }
        return begins;
    }

    /// Octets at the file's beginning of which it is known that they were acknowledged.
    std::uint64_t acknowledged(const FoundLog& file) const { return file.inode == saved_.inode ? saved_.size : 0; }

    std::optional<ScanError> read(const FoundLog& file, std::uint64_t begin, bool is_last)
    {
        if (file.size < acknowledged(file))
            log::error("{}: ends at offset {}, but {} octets were acknowledged: something cut it", file.path, file.size,
                       saved_.size);
        Cursors& cursors = file.path == path_ ? current_ : history_.before;
        ForeignLines foreign;
        end_ = 0;
        auto error = scan_log_file(disk_, file.path, begin, [&](std::string_view line, std::uint64_t offset) {
            // We write no zeros: a block was lost.
            const bool torn = line.find('\0') != std::string_view::npos;
            if (torn && is_last && offset >= acknowledged(file)) {
                torn_ = true;
                end_ = offset;
                return false;
            }
            end_ = offset + line.size() + 1;
            const auto marks = marks_of(line);
            if (torn || !marks)
                foreign.add(offset);
            if (marks) {
                cursors.advance(marks->id);
                take_(line, *marks);
            }
            return true;
        });
        if (foreign.count != 0)
            log::warning("{}: {} lines are not as this program writes them, the first at offset {}", file.path,
                         foreign.count, foreign.first);
        return error;
    }

    std::optional<ScanError> mend(const FoundLog& file)
    {
        FileEnd end(disk_, file.path);
        if (!end.is_open())
            return failure(file.path, "cannot open");
        // Without any line it is no log that was torn.
        if (end_ < file.size && (torn_ || end_ != 0)) {
            log::error(
                "{}: cut {} octets at offset {}, an unfinished line or what was lost with the power; records that "
                "were not acknowledged come again",
                file.path, file.size - end_, end_);
            if (!end.cut(end_))
                return failure(file.path, "cannot cut");
        }
        if (!end.make_safe(acknowledged(file)))
            log::error("{}", failure(file.path, "cannot sync"));
        return std::nullopt;
    }

    Disk& disk_;
    const std::string& path_;
    const LogState& saved_;
    const std::function<void(std::string_view, const LineMarks&)>& take_;
    std::vector<FoundLog> files_; ///< the newest first
    LogHistory history_;
    Cursors current_;       ///< what the file says that has the log's name
    bool torn_ = false;     ///< the newest file has zeros behind end_
    std::uint64_t end_ = 0; ///< of the last whole line, in the file that was read last
};

} // namespace

std::variant<LogHistory, ScanError>
read_back_log(Disk& disk, const std::string& path, const LogState& saved,
              const std::function<void(std::string_view line, const LineMarks& marks)>& take)
{
    ReadBack reading(disk, path, saved, take);
    if (auto error = reading.run())
        return *std::move(error);
    return reading.take_history();
}

} // namespace smtpauth
