#include "ctl/log_reader.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "collector/stats_log/rotated_name.hpp"

namespace smtpauth {

namespace {

/// Of a compressed file, which may become a thousand times as much.
constexpr std::size_t block_size = std::size_t{64} * 1024;

/// A longer line is none of ours; its pieces are dropped so that memory stays bounded.
constexpr std::size_t max_line = std::size_t{64} * 1024 * 1024;

/// So many octets of old lines in a row, and what stands before them is taken for old as well.
constexpr std::uint64_t probe_size = std::uint64_t{4} * 1024 * 1024;

std::string failure(const std::string& path, const char* what)
{
    return fmt::format("{}: {}: {}", path, what, std::generic_category().message(errno));
}

/// The log's own file is the newest, whatever the clock said.
bool is_older(const LogFile& a, const LogFile& b)
{
    return std::tie(a.last_write, a.path) < std::tie(b.last_write, b.path);
}

/// @return  an offset behind which every line as young as `since` begins.
std::uint64_t first_offset_since(Disk& disk, const LogFile& file, event::Time since)
{
    std::uint64_t end = file.size;
    while (end > probe_size) {
        const std::uint64_t begin = end - probe_size;
        LogFileReader reader(disk, file, begin);
        bool young = false;
        while (!young && reader.offset() < end) {
            const auto line = reader.next();
            if (!line)
                break;
            const auto marks = marks_of(*line);
            young = marks && is_as_young(*marks, since);
        }
        if (!young)
            return begin;
        end = begin;
    }
    return 0;
}

} // namespace

bool is_as_young(const LineMarks& marks, event::Time since)
{
    return marks.eom_time >= std::chrono::floor<std::chrono::seconds>(since);
}

LogFiles find_log_files(Disk& disk, const std::string& path)
{
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    const std::string directory = parent.empty() ? "." : parent;
    const std::string name = std::filesystem::path(path).filename();
    std::vector<std::string> names;
    if (disk.list(directory, names) != 0)
        return {{}, errno == ENOENT ? "" : failure(directory, "cannot list")};
    std::sort(names.begin(), names.end()); // a plain file before its compressed self
    LogFiles found;
    std::optional<LogFile> current;
    for (const std::string& candidate : names) {
        std::string_view suffix = candidate;
        if (!suffix.starts_with(name))
            continue;
        suffix.remove_prefix(name.size());
        const bool compressed = suffix.ends_with(compressed_suffix);
        suffix.remove_suffix(compressed ? compressed_suffix.size() : 0);
        // Both are there while one becomes the other.
        if (!is_rotation_suffix(suffix) ||
            (compressed && std::binary_search(names.begin(), names.end(), name + std::string(suffix))))
            continue;
        const std::string file = parent / candidate;
        struct stat status {};
        if (disk.status(file, status) != 0)
            continue; // gone meanwhile
        if (!S_ISREG(status.st_mode))
            continue;
        const auto written =
            std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
        const LogFile entry{file, compressed, event::Time(std::chrono::floor<event::Milliseconds>(written)),
                            static_cast<std::uint64_t>(status.st_size)};
        if (candidate == name)
            current = entry;
        else
            found.files.push_back(entry);
    }
    std::sort(found.files.begin(), found.files.end(), is_older);
    if (current)
        found.files.push_back(*current);
    return found;
}

LogFileReader::LogFileReader(Disk& disk, const LogFile& file, std::uint64_t begin)
    : disk_(disk),
      file_(file),
      descriptor_(disk, file.path, O_RDONLY | O_NONBLOCK),
      // The octet before it ends a line, or belongs to one that is left out.
      read_(begin == 0 ? 0 : begin - 1),
      text_begin_(read_),
      in_line_(begin != 0)
{
    if (!descriptor_)
        error_ = failure(file_.path, "cannot open");
}

std::optional<std::string_view> LogFileReader::next()
{
    std::size_t searched = at_;
    while (error_.empty()) {
        const std::size_t end = text_.find('\n', searched);
        if (end != std::string::npos) {
            const std::size_t begin = std::exchange(at_, end + 1);
            searched = at_;
            if (!std::exchange(in_line_, false))
                return std::string_view(text_).substr(begin, end - begin);
            continue;
        }
        if (text_.size() - at_ > max_line) {
            at_ = text_.size();
            in_line_ = true;
        }
        text_.erase(0, at_);
        text_begin_ += std::exchange(at_, 0);
        searched = text_.size();
        if (!read_more())
            break;
    }
    return std::nullopt;
}

/// @return  false at the end, or where error_ says why.
bool LogFileReader::read_more()
{
    std::string block;
    if (!read_all(disk_, descriptor_.fd(), block_size, static_cast<off_t>(read_), block)) {
        error_ = failure(file_.path, "cannot read");
        return false;
    }
    read_ += block.size();
    if (file_.compressed)
        return decompress(block);
    text_ += block;
    return !block.empty();
}

bool LogFileReader::decompress(const std::string& block)
{
    if (block.empty() && !decoder_.finished())
        error_ = file_.path + ": ends in the middle: expected a whole gzip file";
    else if (!block.empty() && !decoder_.decode(block, text_))
        error_ = file_.path + ": expected a gzip file with one member";
    return error_.empty() && !block.empty();
}

LogReader::LogReader(Disk& disk, const std::string& path, event::Time since, OldLines old)
    : disk_(disk),
      since_(since),
      old_(old)
{
    LogFiles found = find_log_files(disk, path);
    if (!found.error.empty())
        errors_.push_back(std::move(found.error));
    for (LogFile& file : found.files) {
        // Nothing is logged before it happens.
        if (file.last_write < since && file.size != 0)
            reaches_back_ = true;
        else
            files_.push_back(std::move(file));
    }
    std::reverse(files_.begin(), files_.end());
}

/// @return  false: there is none.
bool LogReader::open_next()
{
    if (files_.empty())
        return false;
    const LogFile file = std::move(files_.back());
    files_.pop_back();
    const bool whole = file.compressed || old_ == OldLines::show;
    const std::uint64_t begin = whole ? 0 : first_offset_since(disk_, file, since_);
    reader_.emplace(disk_, file, begin);
    return true;
}

std::optional<LogLine> LogReader::next()
{
    while (reader_ || open_next()) {
        while (const auto line = reader_->next()) {
            const auto marks = marks_of(*line);
            if (!marks)
                ++foreign_;
            else if (old_ == OldLines::show || is_as_young(*marks, since_))
                return LogLine{*line, *marks};
        }
        if (!reader_->error().empty())
            errors_.push_back(reader_->error());
        reader_.reset();
    }
    return std::nullopt;
}

MergedLogs::MergedLogs(Disk& disk, const std::string& stats_log, const std::string& rejects_log, event::Time since,
                       OldLines old)
    : logs_{{disk, stats_log, since, old}, {disk, rejects_log, since, old}},
      heads_{logs_[0].next(), logs_[1].next()}
{
}

std::optional<LogLine> MergedLogs::next()
{
    if (taken_)
        heads_[*taken_] = logs_[*taken_].next();
    if (!heads_[0] && !heads_[1])
        return std::nullopt;
    const auto is_first = [](const LineMarks& a, const LineMarks& b) {
        return a.id.journal == b.id.journal ? a.id.sequence < b.id.sequence : a.eom_time < b.eom_time;
    };
    taken_ = !heads_[0] || (heads_[1] && is_first(heads_[1]->marks, heads_[0]->marks)) ? 1 : 0;
    return heads_[*taken_];
}

} // namespace smtpauth
