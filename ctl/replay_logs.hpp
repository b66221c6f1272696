// Any number of log files as one, in the order of their times. Blocks on the disk. One thread.
//
// The lines of one file are taken to be in order: those of a filter that had lost its collector for a while come late,
// and with the time that they bear.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ctl/log_reader.hpp"
#include "proto/event/record.hpp"

namespace smtpauth {

class ReplayLogs {
public:
    /// @param paths  plain, or gzip where the name ends in ".gz".
    ReplayLogs(Disk& disk, const std::vector<std::string>& paths);

    /// The next record, or null at the end; until the next call.
    event::Record* next();

    /// Files that could not be read: path, call, reason.
    const std::vector<std::string>& errors() const { return errors_; }
    std::uint64_t lines() const { return lines_; }
    std::uint64_t bad_lines() const { return bad_lines_; }
    /// Where the first bad line is and what is wrong with it; "" where none is.
    const std::string& first_bad_line() const { return first_bad_line_; }

private:
    struct Source {
        Source(Disk& disk, const LogFile& file) : path(file.path), reader(disk, file) {}

        std::string path;
        LogFileReader reader;
        event::Record record{};
        std::uint64_t line = 0; ///< number of the record's line
    };

    bool advance(Source& source);
    void push(std::size_t source);
    bool is_later(std::size_t a, std::size_t b) const;

    std::vector<std::unique_ptr<Source>> sources_;
    std::vector<std::size_t> heap_;         ///< of sources that have a record, that of the earliest first
    std::optional<std::size_t> handed_out_; ///< whose record the caller has
    std::vector<std::string> errors_;
    std::uint64_t lines_ = 0;
    std::uint64_t bad_lines_ = 0;
    std::string first_bad_line_;
};

} // namespace smtpauth
