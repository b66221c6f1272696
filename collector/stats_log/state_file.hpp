// What the collector keeps beside its logs: how far each log had come when its current file was begun. It is a cache:
// it spares nobody from reading the current file, but makes older ones free to be compressed or moved away. Format:
// docs/formats/collector-state.md
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/stats_log/cursors.hpp"
#include "common/disk.hpp"

namespace smtpauth {

struct LogState {
    ino_t inode = 0;        ///< of the file that had the log's name; 0: none
    std::uint64_t size = 0; ///< octets of that file that were safe
    Cursors before;         ///< the log's cursors when that file was begun
};

struct CollectorState {
    LogState stats;
    LogState rejects;
};

std::string state_to_text(const CollectorState& state);

/// Nothing where the text is anything but what state_to_text() writes.
std::optional<CollectorState> parse_state(std::string_view text);

/// An empty state where there is no file, or one that is of no use: the log says so.
CollectorState load_state(Disk& disk, const std::string& path);

} // namespace smtpauth
