// The stats log and the rejects log together: puts each record into the one it belongs to, once. Knows no
// threads and no connections; blocks on the disk (log_worker.hpp is where it runs).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/batch.hpp"
#include "collector/config.hpp"
#include "collector/stats_log/cursors.hpp"
#include "collector/stats_log/log_file.hpp"
#include "collector/traffic.hpp"
#include "common/clock.hpp"

namespace smtpauth {

class RecordLogs {
public:
    struct Settings {
        LogRecipients recipients = LogRecipients::full;
        Durability durability = Durability::group;
    };

    struct Counters {
        std::uint64_t written = 0;    ///< records committed since the start
        std::uint64_t duplicates = 0; ///< records left out, because the log had them
    };

    /// @param sink  told of each record once it is committed.
    RecordLogs(const std::string& stats_log, const std::string& rejects_log, Settings settings, const Clock& clock,
               TrafficSink sink);

    void set(const Settings& settings) { settings_ = settings; }

    /// Reads back which records the logs have, so that none is written twice, and shows those of `recount_from`
    /// and later to `recount`. Call it once, before add().
    void read_back(event::Time recount_from, const TrafficSink& recount);

    /// Opens both files; also rotates what a new day has made old.
    std::optional<LogFile::Error> open();

    /// Keeps the records for commit(); leaves out those that their log has. A record that cannot be read becomes
    /// a line `action:loss` in the rejects log.
    void add(const Batch& batch);

    /// Writes what was added and, unless durability is "process", syncs it. After an error call it again: what
    /// was written is not written twice.
    std::optional<LogFile::Error> commit();

    /// Opens both files by their names again.
    void reopen();

    const Counters& stats_counters() const { return stats_.counters; }
    const Counters& rejects_counters() const { return rejects_.counters; }

private:
    struct Log {
        LogFile file;
        Cursors cursors;
        Counters counters;
        std::uint64_t added = 0; ///< records not committed yet
    };

    void add(const event::RecordId& id, event::Bytes bytes);
    void add(const event::RecordId& id, const event::Record& record);
    static void read_back(Log& log, event::Time recount_from, const TrafficSink& recount);

    Log stats_;
    Log rejects_;
    Settings settings_;
    const Clock& clock_;
    TrafficSink sink_;
    std::string line_;                       ///< scratch
    std::vector<TrafficSample> uncommitted_; ///< for sink_
};

} // namespace smtpauth
