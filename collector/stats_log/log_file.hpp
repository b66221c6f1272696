// Appends lines to a log file and gives each day a file of its own. Knows bytes and days, nothing of what
// the lines say. Blocks on the disk: for a worker thread (log_worker.hpp), and only one thread at a time.
//
// A file is rotated when something is written on a later local date than its last write: NAME becomes
// NAME.YYYYMMDD after that last write, or NAME.YYYYMMDD.1, .2 ... where that is taken. Nothing is ever
// overwritten, and a clock that was put back rotates nothing.
//
// Lines stay in memory until they are safe. A sync that fails may have thrown away what it should have written, and the
// next one would not say so: the file is cut back to where it was safe, and the lines are written anew.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/disk.hpp"

namespace smtpauth {

class LogFile {
public:
    /// What failed, for the log: the path, the call, the reason.
    using Error = std::string;

    LogFile(std::string path, const Clock& clock, Disk& disk = system_disk());
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;
    ~LogFile();

    const std::string& path() const { return path_; }

    /// Whether commit() syncs. Without, lines are safe from the end of this process, not from a power cut.
    void set_durable(bool durable) { durable_ = durable; }

    /// Opens the file, mode 0640 where it is made, and rotates it if it is of an earlier day. A half line at its
    /// end is cut off: it was never acknowledged, so its record comes again. Where it is open already, only sees after
    /// rotation and after what others did to the file. commit() calls this.
    std::optional<Error> open();

    /// Keeps lines for commit(). @param lines  whole ones, each with its line feed.
    void add(std::string_view lines) { kept_.append(lines); }

    /// Makes all that was added safe, with what an earlier process may have left unsafe in the file. After an error the
    /// lines are kept and the next commit() goes on: no line is lost, cut or written twice.
    std::optional<Error> commit();

    /// Opens the file by its name again before the next write: somebody renamed it and said so (USR1). Lines that are
    /// not safe yet go to the new file.
    void reopen() { reopen_ = true; }

    /// Another number, another file: one that was made, or one that others put in its place.
    std::uint64_t file_number() const { return file_number_; }

    /// The open file's inode; 0 before there was one.
    ino_t inode() const { return inode_; }

    /// Octets of the open file that are safe.
    off_t safe_size() const { return begin_; }

private:
    std::optional<Error> open_file();
    std::optional<Error> take_stock();
    std::optional<Error> cut_half_line();
    std::optional<Error> see_what_others_did();
    std::optional<Error> leave_file();
    std::optional<Error> rotate();
    std::optional<Error> write_kept();
    std::optional<Error> sync();
    std::optional<Error> sync_directory();
    std::optional<Error> trust_again();
    std::optional<Error> cut_back();
    bool is_of_earlier_day() const;
    bool needs_sync() const { return fd_ >= 0 && (unsynced_ || new_name_); }
    void forget_kept();
    void forget_file();
    Error failure(std::string_view what, int error) const;

    std::string path_;
    const Clock& clock_;
    Disk& disk_;
    bool durable_ = true;
    int fd_ = -1;
    ino_t inode_ = 0;
    std::uint64_t file_number_ = 0;
    std::string day_;         ///< local date of the file's last write; "" for an empty file
    std::string kept_;        ///< lines that are not safe yet
    off_t begin_ = 0;         ///< where they begin in the file
    std::size_t written_ = 0; ///< octets of kept_ that stand there
    bool unsynced_ = false;   ///< the file has changed since the last sync, or may have before it was opened
    bool distrusted_ = false; ///< a sync failed: what stands behind begin_ may never reach the disk
    bool new_name_ = false;   ///< the same as unsynced_, of the directory
    bool reopen_ = false;     ///< others renamed the file, or are about to
};

} // namespace smtpauth
