// An id list that follows its file. A list that is being rewritten in place, has vanished or cannot
// be read never empties the set in use: reload_schedule.hpp has the rules.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/asio.hpp"
#include "common/clock.hpp"
#include "common/file_watch.hpp"
#include "common/id_list.hpp"
#include "common/reload_schedule.hpp"

namespace smtpauth {

class WatchedIdList {
public:
    /// A larger file is refused, and the last good list kept.
    static constexpr std::uint64_t default_max_bytes = std::uint64_t{64} * 1024 * 1024;

    /// Loads the file and watches it from then on. A file that cannot be read gives an empty list, and
    /// an error in the log at once and each minute until it can; it is tried each second.
    /// @param path  absolute; not followed where it is a symbolic link.
    /// @param clock  must outlive this object.
    /// @param until_read  in use until the file can be read: the list of another file that this one follows.
    WatchedIdList(asio::io_context& io, std::string path, const IdNormalizer& normalizer, const Clock& clock,
                  std::shared_ptr<const IdList> until_read = std::make_shared<const IdList>(),
                  std::uint64_t max_bytes = default_max_bytes);
    WatchedIdList(const WatchedIdList&) = delete;
    WatchedIdList& operator=(const WatchedIdList&) = delete;

    /// Never null. Immutable: ask for it anew for each decision. Loop's thread.
    std::shared_ptr<const IdList> current() const { return list_; }

    const std::string& path() const { return path_; }

    /// Reads the file now (HUP), and takes what it says unless it shrank: then after 1 s of quiet. A
    /// file that cannot be read keeps the last good list. Loop's thread.
    void reload();

private:
    void schedule();
    void on_due();
    void read();
    void take(IdList list);
    void on_vanished();
    void complain(const std::string& problem);
    void retry();

    std::string path_;
    IdNormalizer normalizer_;
    const Clock& clock_;
    std::uint64_t max_bytes_;
    std::shared_ptr<const IdList> list_;
    std::string problem_; // why the file cannot be read; "" where it can
    ReloadSchedule reload_schedule_;
    Timer due_timer_;
    Timer retry_;
    Clock::SteadyTime complained_{};
    FileWatch watch_;                                        // behind what it calls back into
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(); // expires before a handler that is queued runs
};

} // namespace smtpauth
