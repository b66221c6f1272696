// Keeps stats.rrd and refusals.rrd up to date, in a thread of its own: librrd may block as it likes, the
// receiver and the logs do not wait for it.
//
// A minute is written once, `delay` after its end, so that records which come a little late still count. The
// logs are the truth: after a restart the minutes that are not written yet are counted again from them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "collector/rrd/clock_guard.hpp"
#include "collector/rrd/minute_counter.hpp"
#include "collector/rrd/rrd_file.hpp"
#include "collector/traffic.hpp"
#include "common/clock.hpp"

namespace smtpauth {

class RrdWriter {
public:
    /// After a start nothing is written for so long, whatever `delay`: filters that were waiting for this
    /// process connect within 5 s and bring records of minutes that would be written first of all.
    static constexpr std::chrono::seconds start_grace{10};

    /// A file whose last update lies further ahead than this would take none for as long: what lies ahead is taken
    /// back, and counts again when its time comes.
    static constexpr std::chrono::minutes ahead{1};

    /// Where it lies further ahead than this, it may be the present that is wrong: the old file is kept.
    static constexpr std::chrono::hours far_ahead{24};

    /// Opens both files, or makes them; what fails is logged and tried again when minutes are due.
    /// @param directory  where the files lie; must exist by then.
    RrdWriter(const std::string& directory, std::chrono::milliseconds delay, const Clock& clock);
    RrdWriter(const RrdWriter&) = delete;
    RrdWriter& operator=(const RrdWriter&) = delete;
    /// Ends the thread. Minutes that are not due are not written: the next start counts them again.
    ~RrdWriter();

    /// The first minute that one of the files does not have yet: from there on records count again.
    Minute first_unwritten() const;

    /// Counts a record that is read back from a log, if its minute is not written. Before start().
    void recount(const TrafficSample& sample);

    /// Starts the thread.
    void start();

    /// Counts a record. Any thread; never waits for the disk.
    void add(const TrafficSample& sample);

    /// Any thread.
    void set_delay(std::chrono::milliseconds delay);

    /// Writes the minutes that are due. What the thread does each second; public for tests, without a thread.
    void write_due();

    /// Records that came too late to be drawn, since the start. Any thread.
    std::uint64_t late() const;

private:
    struct Series {
        RrdFile file;
        MinuteCounter counter; ///< guarded by mutex_
        std::string error{};   ///< the last one logged; "" while all is well
        std::uint64_t late_told = 0;
    };

    Series make_series(const std::string& path, std::vector<std::string> columns) const;
    std::optional<RrdFile::Error> begin(Series& series, Minute first) const;
    Series& series_of(Graph graph) { return graph == Graph::passed ? passed_ : refused_; }
    Minute due_end();
    void write_due(Series& series, Minute end);
    std::optional<RrdFile::Error> write(Series& series, Minute end);
    std::variant<std::vector<MinuteRow>, RrdFile::Error> take_back(const RrdFile& file, Minute next, Minute end) const;
    bool lies_ahead(Minute next) const { return next > clock_.now() + ahead; }
    void tell(Series& series, const std::optional<RrdFile::Error>& error);
    void run();

    const Clock& clock_;
    ClockGuard guard_;
    const Clock::SteadyTime first_write_;
    bool told_ahead_ = false;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::chrono::milliseconds delay_; ///< guarded by mutex_, as is stop_
    bool stop_ = false;

    Series passed_;
    Series refused_;
    std::thread thread_; ///< last: it uses all of the above
};

} // namespace smtpauth
