// Reads back what an earlier collector wrote: the newest plain files of a log, line by line. Compressed files
// are left alone. Blocks on the disk: for the start of the process, before the loop runs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace smtpauth {

/// NAME and its rotated files, NAME with numbers behind dots or dashes, the newest first: NAME itself, then by
/// last write. At most `max_files`; those that are no regular files are left out.
std::vector<std::string> newest_log_files(const std::string& path, std::size_t max_files);

struct ScanLimits {
    std::size_t max_files = 10;
    std::uint64_t max_bytes = std::uint64_t{256} * 1024 * 1024; ///< of all files together, the newest octets
};

/// Calls `take` for each whole line, without its line feed. Files come newest first, the lines of one file in
/// their order. A line that has no line feed yet is no line. What cannot be read is logged and left out.
void scan_log(const std::string& path, const ScanLimits& limits,
              const std::function<void(std::string_view line)>& take);

} // namespace smtpauth
