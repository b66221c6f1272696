// When a changed list is loaded: the timing rules of a reject list as a value machine. Reads no file
// and sets no timer; watched_id_list.hpp does.
//
//   - A file that its writer closed or renamed into place is read at once.
//   - Else it is read 300 ms after the last change, and never later than 1 s after the first.
//   - What was read is not taken when the list became empty or lost more than half of its entries,
//     until the file has been quiet for 1 s: somebody may be in the middle of rewriting it.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

namespace smtpauth {

class ReloadSchedule {
public:
    using Time = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::milliseconds settle_time{300};
    static constexpr std::chrono::milliseconds longest_delay{1000};
    static constexpr std::chrono::milliseconds quiet_time{1000};

    /// The file's bytes changed; its writer may not be done.
    void changed(Time now);

    /// The writer closed the file, or renamed it into place.
    void completed(Time now);

    /// Forgets all that waits: the file is gone.
    void cancel();

    /// When to read the file next; nothing while it stands still.
    std::optional<Time> due() const { return due_; }

    enum class Verdict {
        take, ///< replace the list
        warn, ///< replace the list, and say that it shrank
        wait, ///< keep the old list; due() says when to read again
    };

    /// Asked after a read at due(), with the number of entries before and after.
    Verdict judge(Time now, std::size_t old_size, std::size_t new_size);

private:
    std::optional<Time> first_change_; // since the last read
    Time last_change_{};
    std::optional<Time> due_;
};

} // namespace smtpauth
