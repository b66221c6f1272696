// The stats log and the rejects log together: puts each record into the one it belongs to, once. Knows no
// threads and no connections; blocks on the disk (log_worker.hpp is where it runs).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/batch.hpp"
#include "collector/config.hpp"
#include "collector/record_observer.hpp"
#include "collector/stats_log/cursors.hpp"
#include "collector/stats_log/log_file.hpp"
#include "collector/stats_log/state_file.hpp"
#include "collector/traffic.hpp"
#include "common/clock.hpp"
#include "common/disk.hpp"

namespace smtpauth {

class RecordLogs {
public:
    using Error = std::string;

    struct Files {
        std::string stats_log;
        std::string rejects_log;
        std::string state; ///< docs/formats/collector-state.md
    };

    struct Settings {
        LogRecipients recipients = LogRecipients::full;
        Durability durability = Durability::group;
    };

    struct Counters {
        std::uint64_t written = 0;    ///< records committed since the start
        std::uint64_t duplicates = 0; ///< records left out, because the log had them
    };

    /// @param sink  told of each record once it is committed.
    RecordLogs(const Files& files, Settings settings, const Clock& clock, TrafficSink sink, Disk& disk = system_disk());

    void set(const Settings& settings);

    /// From read_back() on, shows it each record. @param observer  outlives this.
    void show_to(RecordObserver& observer) { observer_ = &observer; }

    /// Reads back which records the logs have, so that none is written twice, and shows those of `recount_from`
    /// and later to `recount`. Call it once, before add(). After an error the logs are not to be written to.
    std::optional<Error> read_back(event::Time recount_from, const TrafficSink& recount);

    /// Opens both files; also rotates what a new day has made old, and brings the state file up to date once a minute.
    std::optional<Error> open();

    /// Keeps the records for commit(); leaves out those that their log has. A record that cannot be read becomes
    /// a line `action:loss` in the rejects log.
    void add(const Batch& batch);

    /// Makes what was added safe, and the state file know of files that were begun meanwhile. After an error call it
    /// again: what was written is not written twice.
    std::optional<Error> commit();

    /// Opens both files by their names again.
    void reopen();

    const Counters& stats_counters() const { return stats_.counters; }
    const Counters& rejects_counters() const { return rejects_.counters; }

    /// At the end of the process: brings the state file up to date.
    std::optional<Error> save_state();

private:
    struct Log {
        LogFile file;
        Cursors committed{};
        Cursors uncommitted{}; ///< of records that were added since
        Cursors before{};      ///< `committed` when the current file was begun
        ino_t current = 0;     ///< that file's inode
        Counters counters{};
        std::uint64_t added = 0; ///< records not committed yet

        bool has(const event::RecordId& id) const { return committed.has(id) || uncommitted.has(id); }
        bool has_begun_a_file() const { return file.inode() != 0 && file.inode() != current; }
    };

    void add(const event::RecordId& id, event::Bytes bytes);
    void add(const event::RecordId& id, const event::Record& record);
    std::optional<Error> read_back(Log& log, const LogState& saved, event::Time recount_from,
                                   const TrafficSink& recount);
    bool begins_anew() const;
    std::array<Log*, 2> both() { return {&stats_, &rejects_}; }

    Disk& disk_;
    const std::string state_path_;
    Log stats_;
    Log rejects_;
    Settings settings_;
    const Clock& clock_;
    TrafficSink sink_;
    RecordObserver* observer_ = nullptr;     ///< null: nobody
    std::string line_;                       ///< scratch
    std::vector<TrafficSample> uncommitted_; ///< for sink_
    std::string state_text_;                 ///< what this process has in the state file; "" where that is uncertain
    Clock::SteadyTime state_time_{};         ///< when that was looked after last
};

} // namespace smtpauth
