// Compresses rotated logs after some days and removes them after some more. Touches nothing but names that rotation
// gives (rotated_name.hpp). Blocks on the disk for minutes: for a thread of its own (retention_worker.hpp).
//
// A file counts from the day after its last write or from its rename, whichever was later: the names of logs that were
// written under a wrong clock tell nothing of their age.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collector/stats_log/jump_watch.hpp"
#include "collector/stats_log/rotated_name.hpp"
#include "common/clock.hpp"
#include "common/disk.hpp"

namespace smtpauth {

class Retention {
public:
    /// Whole days; 0: never.
    struct Settings {
        unsigned keep_days = 0;
        unsigned compress_after_days = 0;
    };

    /// Asked now and then: true ends what is under way, which begins anew the next time.
    using Stopped = std::function<bool()>;

    /// How often it looks through the directories.
    static constexpr std::chrono::minutes pass_every{60};

    /// @param logs  paths that rotation begins with.
    Retention(std::vector<std::string> logs, Settings settings, const Clock& clock, Disk& disk = system_disk());

    void set(const Settings& settings) { settings_ = settings; }

    /// To be called every minute. Does nothing within 24 h of a clock jump. What fails is logged and tried again with
    /// the next pass.
    void look(const Stopped& stopped);

private:
    void pass(const std::string& log, const Stopped& stopped);
    void treat(const std::string& path, const RotatedName& name, const Stopped& stopped);
    bool is_over(unsigned days, std::chrono::sys_days from) const;
    void remove(const std::string& path);
    void tell(const std::string& path, const std::string& error);

    std::vector<std::string> logs_;
    Settings settings_;
    const Clock& clock_;
    Disk& disk_;
    JumpWatch watch_;
    bool told_jump_ = true; ///< the pause after the start needs no mention
    std::optional<Clock::SteadyTime> last_pass_;
    std::set<std::string> told_; ///< files whose error was logged
};

} // namespace smtpauth
