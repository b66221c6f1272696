// Finds the files of a log and reads them line by line: what an earlier collector wrote. Compressed files are left
// alone. Blocks on the disk: for the start of the process, before the loop runs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/disk.hpp"

namespace smtpauth {

/// What failed: the path, the call, the reason. A call is tried twice before.
using ScanError = std::string;

struct FoundLog {
    std::string path;
    ino_t inode = 0;
    std::uint64_t size = 0; ///< octets
};

/// NAME and its rotated files, NAME with numbers behind dots or dashes, the newest first: NAME itself, then by
/// last write. At most `max_files`; those that are no regular files are left out. None where there is no directory.
std::variant<std::vector<FoundLog>, ScanError> newest_log_files(Disk& disk, const std::string& path,
                                                                std::size_t max_files);

/// @param line    without its line feed.
/// @param offset  where it begins in the file.
/// @return  false: read no more.
using TakeLine = std::function<bool(std::string_view line, std::uint64_t offset)>;

/// Hands on the whole lines of a file that begin at `begin` or later, in their order; unless `begin` is 0, the first
/// one there may be half a line and is left out. So is a line that has no line feed yet.
std::optional<ScanError> scan_log_file(Disk& disk, const std::string& path, std::uint64_t begin, const TakeLine& take);

} // namespace smtpauth
