// Files whose whole content is replaced at once: after a crash or a power cut there is the old one or the new one.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/disk.hpp"

namespace smtpauth {

/// Writes PATH.new, syncs it, renames it to PATH and syncs the directory; with success the new content is safe. After
/// an error PATH has the old content or the new one. Blocks; one caller for a path at a time.
/// @return  what failed: the path, the call, the reason.
std::optional<std::string> replace_file(Disk& disk, const std::string& path, std::string_view content, mode_t mode);

} // namespace smtpauth
