// Reads the stats log and the rejects log with what rotation has left of them, plain or compressed, line by line in the
// order in which they were written. Blocks on the disk. One thread.
//
// Lines of one journal stand in the order of their numbers, so nearly in that of time. Several filters' lines may be
// mixed by more: one that had lost its collector sends hours at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/stats_log/gzip.hpp"
#include "collector/stats_log/line_reader.hpp"
#include "common/disk.hpp"
#include "common/disk_io.hpp"

namespace smtpauth {

struct LogFile {
    std::string path;
    bool compressed = false;
    event::Time last_write{};
    std::uint64_t size = 0; ///< octets on the disk
};

struct LogFiles {
    std::vector<LogFile> files; ///< the oldest first, the log itself last
    std::string error;          ///< "" or path, call, reason
};

/// The log and its rotated files. A log that is not there has none.
LogFiles find_log_files(Disk& disk, const std::string& path);

/// The whole lines of one file.
class LogFileReader {
public:
    /// @param begin  an offset: what stands before it is left out, and so is a line that begins before it. Plain files.
    LogFileReader(Disk& disk, const LogFile& file, std::uint64_t begin = 0);

    /// The next line, without its line feed; until the next call. Nothing at the end, or where error() says why.
    std::optional<std::string_view> next();

    const std::string& error() const { return error_; }
    /// Where the next line begins, in a plain file.
    std::uint64_t offset() const { return text_begin_ + at_; }

private:
    bool read_more();
    bool decompress(const std::string& block);

    Disk& disk_;
    LogFile file_;
    DiskFile descriptor_;
    GzipDecoder decoder_;
    std::uint64_t read_ = 0;       ///< octets of the file
    std::uint64_t text_begin_ = 0; ///< offset of text_
    std::string text_;             ///< read, and from at_ on not handed out
    std::size_t at_ = 0;
    bool in_line_;
    std::string error_;
};

struct LogLine {
    std::string_view text; ///< for read_log_line(); until the next one is asked for
    LineMarks marks;
};

/// What becomes of lines that are older than what is asked for, in files that have been written since.
enum class OldLines {
    skip, ///< left out, and what stands before many of them in a row is not even read: an hour of a large log is cheap
    show, ///< handed out: who may miss nothing cannot tell that no young line stands before another filter's backlog
};

/// Lines tell whole seconds.
bool is_as_young(const LineMarks& marks, event::Time since);

/// One log with its rotated files, from a time on.
class LogReader {
public:
    /// @param since  files that were not written since are left out.
    LogReader(Disk& disk, const std::string& path, event::Time since, OldLines old = OldLines::skip);

    /// The next line, or nothing at the end.
    std::optional<LogLine> next();

    /// Files that could not be read: path, call, reason.
    const std::vector<std::string>& errors() const { return errors_; }
    /// Lines that this project has not written.
    std::uint64_t foreign_lines() const { return foreign_; }
    /// A file was not written since: the log has existed for that long.
    bool reaches_back() const { return reaches_back_; }

private:
    bool open_next();

    Disk& disk_;
    event::Time since_;
    OldLines old_;
    std::vector<LogFile> files_; ///< the next to be read is the last
    std::optional<LogFileReader> reader_;
    std::vector<std::string> errors_;
    std::uint64_t foreign_ = 0;
    bool reaches_back_ = false;
};

/// Both logs as one: of one journal the record with the lower number first, else the older one.
class MergedLogs {
public:
    MergedLogs(Disk& disk, const std::string& stats_log, const std::string& rejects_log, event::Time since,
               OldLines old = OldLines::skip);

    std::optional<LogLine> next();

    const LogReader& stats() const { return logs_[0]; }
    const LogReader& rejects() const { return logs_[1]; }

private:
    LogReader logs_[2];
    std::optional<LogLine> heads_[2];
    std::optional<std::size_t> taken_; ///< whose head was handed out last
};

} // namespace smtpauth
