// Files whose whole content is replaced at once: after a crash or a power cut there is the old one or the new one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/disk.hpp"
#include "common/disk_io.hpp"

namespace smtpauth {

/// A file that is replaced piece by piece, in PATH.new until finish(). Blocks; one for a path at a time.
class FileReplacement {
public:
    /// @param disk  outlives this.
    FileReplacement(Disk& disk, std::string path, mode_t mode);
    FileReplacement(const FileReplacement&) = delete;
    FileReplacement& operator=(const FileReplacement&) = delete;
    /// Unfinished: PATH.new goes, its octets are of use elsewhere where the disk is full.
    ~FileReplacement() { discard(); }

    /// @return  false: see error(); nothing more will work.
    bool append(std::string_view bytes);

    /// Syncs PATH.new, renames it to PATH and syncs the directory; with success the new content is safe. After an error
    /// PATH has the old content or the new one.
    bool finish();

    /// What failed: the path, the call, the reason; "" where nothing did.
    const std::string& error() const { return error_; }

private:
    void discard();
    bool fail(const std::string& path, const char* what);

    Disk& disk_;
    std::string path_;
    std::string fresh_;
    std::optional<DiskFile> file_;
    off_t size_ = 0;
    std::string error_;
};

/// All of it in one go.
/// @return  as FileReplacement::error(), or nothing.
std::optional<std::string> replace_file(Disk& disk, const std::string& path, std::string_view content, mode_t mode);

} // namespace smtpauth
