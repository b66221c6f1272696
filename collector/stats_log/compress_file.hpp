// One plain file becomes a compressed one. Whatever it is killed at, there is the one, the other, or both with the same
// content. Blocks on the disk.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/disk.hpp"

namespace smtpauth {

/// PATH becomes PATH.gz, with its mode and its time of last write: PATH.gz.new is written, synced and renamed, then
/// PATH removed. Where PATH.gz is there already it is read: with the same content PATH is removed, with another both
/// stay, and that is an error.
/// @param stopped  asked for each block: true gives up, and leaves PATH as it is.
/// @return  what failed: the path, the call, the reason.
std::optional<std::string> compress_file(Disk& disk, const std::string& path, const std::function<bool()>& stopped);

} // namespace smtpauth
