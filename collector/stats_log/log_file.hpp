// Appends lines to a log file and gives each day a file of its own. Knows bytes and days, nothing of what
// the lines say. Blocks on the disk: for a worker thread (log_worker.hpp), and only one thread at a time.
//
// A file is rotated when something is written on a later local date than its last write: NAME becomes
// NAME.YYYYMMDD after that last write, or NAME.YYYYMMDD.1, .2 ... where that is taken. Nothing is ever
// overwritten, and a clock that was put back rotates nothing.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"

namespace smtpauth {

class LogFile {
public:
    /// What failed, for the log: the path, the call, the reason.
    using Error = std::string;

    LogFile(std::string path, const Clock& clock);
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;
    ~LogFile();

    const std::string& path() const { return path_; }

    /// Opens the file, mode 0640 where it is made, and rotates it if it is of an earlier day. A half line at its
    /// end is cut off: it was never acknowledged, so its record comes again. Where it is open already, only sees after
    /// rotation and after what others did to the file. flush() calls this.
    std::optional<Error> open();

    /// Keeps lines for flush(). @param lines  whole ones, each with its line feed.
    void add(std::string_view lines) { pending_.append(lines); }

    /// Writes all that was added. After an error the rest is kept, and the next flush() goes on at the very
    /// octet where this one stopped: no line is lost, cut or written twice.
    std::optional<Error> flush();

    /// Makes what was flushed survive a power cut: the data, and the file's name where it is new.
    std::optional<Error> sync();

    /// Opens the file by its name again before the next write: somebody renamed it and said so (USR1).
    void reopen();

private:
    std::optional<Error> open_file();
    std::optional<Error> take_stock();
    std::optional<Error> cut_half_line();
    std::optional<Error> rotate();
    std::optional<Error> write_pending();
    std::optional<Error> sync_directory();
    bool is_of_earlier_day() const;
    void look_for_foreign_changes();
    void sync_before_closing();
    void forget_file();
    Error failure(std::string_view what, int error) const;

    std::string path_;
    const Clock& clock_;
    int fd_ = -1;
    std::string day_;         ///< local date of the file's last write; "" for an empty file
    off_t size_ = 0;          ///< octets that the file must have
    std::string pending_;     ///< lines to write, the first one possibly begun
    std::size_t written_ = 0; ///< octets of pending_ that stand in the file
    bool unsynced_ = false;   ///< data was written since the last sync()
    bool new_name_ = false;   ///< the directory has changed since the last sync()
};

} // namespace smtpauth
