// An id list that follows its file. A list that is being rewritten in place, has vanished or cannot
// be read never empties the set in use: reload_schedule.hpp has the rules.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/asio.hpp"
#include "common/background.hpp"
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
    /// @param background  where the file is read; as clock, it must outlive this object.
    /// @param path  absolute; not followed where it is a symbolic link.
    /// @param until_read  in use until the file has been read: the list of another file that this one follows. Null:
    ///                    the file is read before this returns.
    WatchedIdList(asio::io_context& io, Background& background, std::string path, const IdNormalizer& normalizer,
                  const Clock& clock, const std::shared_ptr<const IdList>& until_read = nullptr,
                  std::uint64_t max_bytes = default_max_bytes);
    WatchedIdList(const WatchedIdList&) = delete;
    WatchedIdList& operator=(const WatchedIdList&) = delete;

    /// Never null. Immutable: ask for it anew for each decision. Loop's thread.
    std::shared_ptr<const IdList> current() const { return list_; }

    const std::string& path() const { return path_; }

    /// Reads the file (HUP), and takes what it says unless it shrank: then after 1 s of quiet. A
    /// file that cannot be read keeps the last good list. Loop's thread.
    void reload();

private:
    /// What the file said.
    struct Content {
        std::string problem; ///< "" where there is none
        IdList list;
    };

    static Content read_file(const std::string& path, std::uint64_t max_bytes, const IdNormalizer& normalizer);
    void note_change();
    void schedule();
    void on_due();
    void read_now();
    void read();
    void judge(Content content, Clock::SteadyTime read_at);
    void take(IdList list);
    void on_vanished();
    void complain(const std::string& problem);
    void retry();

    Background& background_;
    std::string path_;
    IdNormalizer normalizer_;
    const Clock& clock_;
    std::uint64_t max_bytes_;
    std::shared_ptr<const IdList> list_;
    std::string problem_; // why the file cannot be read; "" where it can
    ReloadSchedule reload_schedule_;
    bool reading_ = false;
    bool changed_meanwhile_ = false; ///< while reading: it may have been read half
    Timer due_timer_;
    Timer retry_;
    Clock::SteadyTime complained_{};
    FileWatch watch_;                                        // behind what it calls back into
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(); // expires before a handler that is queued runs
};

} // namespace smtpauth
