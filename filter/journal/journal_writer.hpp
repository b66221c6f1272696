// The journal's own thread: takes what the loop has gathered, writes it, syncs it, and tells the loop; then takes what
// has been gathered meanwhile. So commits are grouped by the time that the disk needs, without a timer. Where
// durability is "process", a record costs no more than a write into a prepared file: the loop does that itself, as long
// as the thread has nothing to do.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.hpp"
#include "common/durability.hpp"
#include "filter/journal/store.hpp"

namespace smtpauth {

class JournalWriter {
public:
    /// One record among those of a batch.
    struct Entry {
        std::uint64_t sequence = 0;
        std::size_t size = 0;            ///< of its frame, in octets
        bool waits = false;              ///< its answer waits; else nobody misses it in a full queue
        bool is_mail = false;            ///< lost, it would be a message that passed without a record
        std::optional<Losses> settles{}; ///< it is the LOSS record that tells of so many losses in all
        bool dropped = false;            ///< there was no room for its frame in the queue
    };

    struct Settings {
        Durability durability = Durability::group;
        bool passes_when_full = true; ///< on_journal_full = "pass"
        std::size_t max_queue_bytes = 0;
    };

    /// How a batch ended. Records above `kept` and up to `last` were not kept.
    struct Done {
        std::uint64_t kept = 0;
        std::uint64_t last = 0;
        bool has_losses = false; ///< that no LOSS record tells of
    };

    /// @param store  nobody else's from here on.
    /// @param done  called after each batch, on this thread: take_done() has something.
    /// @param passed  how far the consumers of the journal have come. Any thread.
    JournalWriter(std::unique_ptr<JournalStore> store, const Catalogue& catalogue, Settings settings,
                  const Clock& clock, std::function<void()> done, std::function<JournalStore::Passed()> passed);
    JournalWriter(const JournalWriter&) = delete;
    JournalWriter& operator=(const JournalWriter&) = delete;
    /// Writes what was submitted, and ends the thread.
    ~JournalWriter();

    /// Queues a record for hand_over(); what does not fit is counted as a loss. Any thread.
    /// @param entry  its size and `dropped` are filled in here. @param frame  empty for one that is too long to be
    /// kept.
    void submit(std::string_view frame, Entry entry);

    /// The thread may take what is queued.
    void hand_over();

    /// Writes the first of what is queued now, as keep_now() does. Before hand_over().
    /// @return  number of the last record kept; nothing where none was.
    std::optional<std::uint64_t> keep_queued();

    /// Writes the record now, on the caller's thread, without waiting for another; where durability is "process" and
    /// all goes well. What became of every record before it must be known. @return  false: submit() it.
    bool keep_now(std::string_view frame, std::uint64_t sequence);

    /// How the next batch ended that nobody was told of yet; nothing where there is none, which costs next to nothing
    /// to ask. One thread asks.
    std::optional<Done> take_done();

    /// Number of the last record that a power cut cannot take. Any thread.
    std::uint64_t safe() const { return safe_; }

    /// What the thread knows, for status and for the loop.
    struct Figures {
        std::uint64_t used_bytes = 0;
        Losses lost;
        Losses settled;
        std::uint64_t first_lost_ms = 0;
        std::uint64_t last_lost_ms = 0;
        std::string error; ///< the last failure; "" after a success
    };
    Figures figures() const;

private:
    struct Batch {
        std::string frames;
        std::vector<Entry> entries; ///< dropped ones are the last
        Losses dropped;             ///< as many records without an entry behind them: nobody waits for those
    };

    void run();
    void write(const Batch& batch);
    std::size_t group_size(const Batch& batch, std::size_t at) const;
    std::size_t keep_some(const Batch& batch, std::size_t at, std::size_t offset);
    bool keep(const Batch& batch, std::size_t at, std::size_t count, std::size_t offset);
    static std::size_t size_of(const Batch& batch, std::size_t at, std::size_t count);
    void lose(const Batch& batch, std::size_t at);
    void look_after();
    void publish();

    std::mutex store_mutex_; ///< held for as long as the store works: the loop only tries to take it
    std::unique_ptr<JournalStore> store_;
    const Catalogue& catalogue_;
    Settings settings_;
    const Clock& clock_;
    std::function<void()> done_;
    std::function<JournalStore::Passed()> passed_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Batch pending_;            ///< guarded by mutex_, as are the next ones
    bool handed_over_ = false; ///< the thread may take pending_
    bool stop_ = false;
    bool look_ = false; ///< there is something to do besides
    Figures figures_;
    std::deque<Done> ended_; ///< for take_done()
    std::atomic<bool> has_ended_ = false;

    bool failing_ = false;    ///< said so in the log; guarded by store_mutex_, as is the next
    bool asked_look_ = false; ///< look_ was set since the thread last worked
    Losses lost_before_;      ///< when the failing began
    std::atomic<std::uint64_t> safe_ = 0;
    Clock::SteadyTime next_look_{};
    std::thread thread_; ///< last: it uses all of the above
};

} // namespace smtpauth
