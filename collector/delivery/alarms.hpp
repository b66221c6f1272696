// Alarms, as a whole: shows records to the incidents, keeps what must outlast the process, and delivers. All but add()
// is done by a thread of its own, so that neither the logs nor the filters ever wait for a mail server, a program or a
// disk.
//
// Nothing is lost and hardly anything comes twice: `alarms.json` says which records it knows of, and at a start the
// logs tell the others. An alarm leaves it only when it was delivered, and is delivered only when it stands there.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "collector/alert/alarm_state.hpp"
#include "collector/alert/alarm_text.hpp"
#include "collector/alert/incidents.hpp"
#include "collector/alert/outbox.hpp"
#include "collector/alert/settings.hpp"
#include "collector/delivery/alarm_status.hpp"
#include "collector/record_observer.hpp"
#include "common/asio.hpp"
#include "common/clock.hpp"
#include "common/disk.hpp"

namespace smtpauth {

class Alarms final : public RecordObserver {
public:
    struct Files {
        std::string state;     ///< alarms.json
        std::string stats_log; ///< for commands that an alarm proposes
    };

    /// Reads the state file.
    Alarms(Files files, const AlarmSettings& settings, const Clock& clock, Disk& disk = system_disk());
    /// Ends the thread; what is under way is tried again by the next process. Saves the state.
    ~Alarms() override;

    bool wants(const event::RecordId& id, bool passed, event::Time time) const override;
    void replay(const event::RecordId& id, const event::Record& record) override;
    void add(const event::RecordId& id, const event::Record& record) override;

    /// Starts the thread, once the logs are read back.
    void start();

    /// Any thread.
    void set(const AlarmSettings& settings);

    /// Any thread.
    AlarmStatus status() const;

    /// Raises what is due, saves what has changed, begins deliveries. What the thread does twice a second; public for
    /// tests, which then have deliver() run by loop().
    void turn();
    asio::io_context& loop() { return io_; }

private:
    Cursors& cursors(bool passed) { return passed ? stats_ : rejects_; }
    void load();
    void raise();
    void save_if_changed();
    void schedule();
    void begin_deliveries();
    Task<void> deliver_by_mail(Outbox::Delivery delivery, MailSettings mail);
    Task<void> deliver_by_hook(Notice notice, HookSettings settings);
    void finish(Outbox& outbox, const char* what, const Outcome& outcome);
    AlarmPlace place() const { return {host_, files_.stats_log}; }
    AlarmState state() const;

    const Files files_;
    const std::string host_;
    const Clock& clock_;
    Disk& disk_;
    bool has_state_ = false;    ///< the file was there
    std::string save_error_;    ///< the last one that was logged; "" while all is well
    Clock::SteadyTime saved_{}; ///< when that was tried last

    mutable std::mutex mutex_; ///< guards what follows, up to the thread
    AlarmSettings settings_;
    Incidents incidents_;
    Cursors stats_;
    Cursors rejects_;
    Outbox mail_;
    Outbox hook_;
    std::uint64_t raised_ = 0;
    bool changed_ = false; ///< since the state was saved
    bool urgent_ = false;  ///< an alarm was raised or delivered since

    asio::io_context io_{1};
    Timer timer_{io_};
    bool without_tls_ = false; ///< the next mail, where it need not be encrypted; the loop's
    std::thread thread_;       ///< last: it uses all of the above
};

} // namespace smtpauth
