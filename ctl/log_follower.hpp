// What is added to a log from now on, over rotation by whomever. Blocks on the disk, never waits. One thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/disk.hpp"
#include "common/disk_io.hpp"

namespace smtpauth {

class LogFollower {
public:
    /// The file need not be there yet.
    LogFollower(Disk& disk, std::string path);

    /// Hands on each whole line that has come since. A file that was renamed is read to its end, then the new one; one
    /// that became shorter is read from its beginning.
    void poll(const std::function<void(std::string_view line)>& take);

private:
    void open(bool at_end);
    void read(const std::function<void(std::string_view line)>& take);
    bool was_replaced() const;
    std::uint64_t last_line_end(std::uint64_t size) const;

    Disk& disk_;
    std::string path_;
    std::optional<DiskFile> file_;
    ino_t inode_ = 0;
    std::uint64_t offset_ = 0; ///< of what is read next
    std::string text_;         ///< half a line
};

} // namespace smtpauth
