// The journal on disk as the loop sees it: gives numbers, hands records to the writer's thread, and lets answers go
// once their records are safe. Loop's thread, unless it says otherwise.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/asio.hpp"
#include "common/clock.hpp"
#include "common/disk.hpp"
#include "common/durability.hpp"
#include "common/file_descriptor.hpp"
#include "filter/config.hpp"
#include "filter/journal/catalogue.hpp"
#include "filter/journal/journal.hpp"
#include "filter/journal/journal_writer.hpp"

namespace smtpauth {

class DiskJournal final : public Journal {
public:
    /// What lives on the records besides the collector.
    struct Consumer {
        /// Sees the records that earlier starts left, in order, while the journal is made.
        std::function<void(std::uint64_t sequence, const event::Record&)> recovered;
        /// Records up to this number need not be kept for it. Any thread.
        std::function<std::uint64_t()> passed;
    };

    /// Makes the directory (0750) where it is missing, takes it for this process, and reads what an earlier one left.
    /// Throws TemporaryFailure where another process has it, or std::runtime_error. `io` and `clock` outlive the
    /// journal; io.run() has ended before it does.
    DiskJournal(asio::io_context& io, const FilterConfig& config, const Clock& clock, Disk& disk = system_disk(),
                std::optional<Consumer> consumer = std::nullopt);

    bool append(const event::Record& record, CommitWaiter* waiter) override;
    void withdraw(CommitWaiter& waiter, const event::Record& mail) override;
    std::uint64_t last() const override { return last_; }
    void poll() override;
    void flush() override;

    /// Called when there is more to send. Before the first append().
    void on_release(std::function<void()> notify) { notify_ = std::move(notify); }

    /// Where the sender finds what to send.
    Catalogue& catalogue() { return catalogue_; }

    /// Id of the records of this start of the filter.
    std::uint64_t id() const { return id_; }
    /// Replies that wait for the disk.
    std::size_t waiting_replies() const { return waiting_.size(); }
    JournalWriter::Figures figures() const { return writer_->figures(); }

private:
    struct Waiting {
        std::uint64_t sequence;
        CommitWaiter* waiter; ///< null: withdrawn
    };

    /// @return  what may be left in the loop's queue: it does nothing once this journal is gone.
    template <typename Work>
    auto while_alive(Work work) const
    {
        return [alive = std::weak_ptr(alive_), work = std::move(work)](const auto&...) mutable {
            if (!alive.expired())
                work();
        };
    }

    void take_directory(const std::string& path);
    void encode(const event::Record& record);
    std::uint64_t submit(JournalWriter::Entry entry);
    bool keep_now();
    void release(std::uint64_t sequence);
    void tell(std::uint64_t last, std::uint64_t kept);
    void take_over();
    JournalStore::Passed passed() const;
    void batch_done(const JournalWriter::Done& done);
    void settle_losses();
    void settle_later();

    asio::io_context& io_;
    const Clock& clock_;
    Catalogue catalogue_;
    FileDescriptor lock_;
    std::uint64_t id_;
    bool passes_when_full_;
    bool takes_over_; ///< what the thread has not begun: durability "process"
    std::uint64_t last_ = 0;
    std::deque<Waiting> waiting_;
    const std::optional<Consumer> consumer_;
    std::function<void()> notify_;
    Timer settle_timer_;
    bool settle_waits_ = false;                              ///< for the timer
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(); ///< expires before a handler that is queued runs
    std::uint64_t settling_ = 0;            ///< number of the LOSS record that is with the writer, 0: none is
    std::uint64_t done_ = 0;                ///< what became of every record up to this number is known here
    std::uint64_t handed_over_ = 0;         ///< the last record that the writer's thread may have
    bool flush_is_due_ = false;             ///< posted to the loop
    std::string frame_;                     ///< scratch: the next record
    std::unique_ptr<JournalWriter> writer_; ///< last: its thread uses the above
};

} // namespace smtpauth
