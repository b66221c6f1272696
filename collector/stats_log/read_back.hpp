// What a log tells a new process: which records it has. Also makes the newest file's end whole and safe, for a record
// that is found there is acknowledged without being written again. Blocks on the disk: for the start of the process.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "collector/stats_log/cursors.hpp"
#include "collector/stats_log/line_reader.hpp"
#include "collector/stats_log/log_scan.hpp"
#include "collector/stats_log/state_file.hpp"
#include "common/disk.hpp"

namespace smtpauth {

struct LogHistory {
    ino_t inode = 0; ///< of the file that has the log's name; 0: none
    Cursors before;  ///< what stands in the files before that one
    Cursors all;
};

/// Reads the current file, and of those before it the newest ten and 256 MiB. What power cut off the newest file's end,
/// so that it reads as zeros there, is cut off with all behind it: it was never acknowledged.
///
/// Says in the log what else is not as it was left: lines that are not ours, a file that is shorter than it was.
/// @param saved  what the state file has about this log.
/// @param take   gets each line of ours, those of the oldest file first.
/// @return  an error where records could be missed, and thus be written twice.
std::variant<LogHistory, ScanError>
read_back_log(Disk& disk, const std::string& path, const LogState& saved,
              const std::function<void(std::string_view line, const LineMarks& marks)>& take);

} // namespace smtpauth
