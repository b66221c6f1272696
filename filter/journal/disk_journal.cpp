#include "filter/journal/disk_journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <random>
#include <system_error>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "common/daemon.hpp"
#include "common/disk_io.hpp"
#include "common/log.hpp"
#include "proto/event/codec.hpp"
#include "proto/event/record_id.hpp"
#include "proto/journal/frame.hpp"

namespace smtpauth {

namespace {

/// A file of the journal: 4.8 KB and a sync take 171 µs in a file that was filled with zeros, 309 µs in one that grows.
constexpr std::uint64_t largest_segment = std::uint64_t{16} << 20;

/// However small journal_max_bytes is, what was acknowledged can be deleted while the rest is still needed.
constexpr std::uint64_t fewest_segments = 4;

/// Pause before the next try to tell of losses where there was no room, or the disk refused.
constexpr std::chrono::seconds settle_pause{1};

std::uint64_t random_number()
{
    std::random_device source;
    return std::uint64_t{source()} << 32 | source();
}

event::Time time_of(std::uint64_t milliseconds)
{
    return event::Time(event::Milliseconds(milliseconds));
}

} // namespace

DiskJournal::DiskJournal(asio::io_context& io, const FilterConfig& config, const Clock& clock, Disk& disk,
                         std::optional<Consumer> consumer)
    : io_(io),
      clock_(clock),
      id_(random_number()),
      passes_when_full_(config.on_journal_full == OnJournalFull::pass),
      takes_over_(config.durability == Durability::process),
      consumer_(std::move(consumer)),
      settle_timer_(io)
{
    take_directory(config.journal_directory);
    std::uint64_t found = 0;
    const JournalStore::Settings settings{config.journal_directory, config.journal_max_bytes,
                                          std::min(largest_segment, config.journal_max_bytes / fewest_segments),
                                          config.durability != Durability::process};
    auto store = std::make_unique<JournalStore>(disk, settings, id_, catalogue_, [&](const journal::Frame& frame) {
        const bool is_waiting = frame.sequence > catalogue_.acknowledged();
        found += is_waiting ? 1 : 0;
        const auto decoded = event::decode(frame.record);
        const auto* record = std::get_if<event::Record>(&decoded);
        if (record && is_waiting && record->type == event::RecordType::void_record)
            catalogue_.make_void(record->voids);
        if (record && consumer_)
            consumer_->recovered(frame.sequence, *record);
    });
    last_ = done_ = store->last();
    if (found != 0)
        log::info("{}: {} records of earlier starts wait for the collector", config.journal_directory, found);
    const bool owes_loss = store->state().lost != store->state().settled;
    writer_ = std::make_unique<JournalWriter>(
        std::move(store), catalogue_,
        JournalWriter::Settings{config.durability, passes_when_full_, config.queue_max_bytes}, clock_,
        [this] { asio::post(io_, while_alive([this] { poll(); })); }, [this] { return passed(); });
    if (owes_loss)
        settle_losses();
}

void DiskJournal::take_directory(const std::string& path)
{
    make_directory(path);
    const std::string lock = path + "/lock";
    lock_ = FileDescriptor(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, journal_file_mode));
    if (!lock_)
        throw std::runtime_error(fmt::format("{}: cannot open: {}", lock, std::generic_category().message(errno)));
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0)
        return;
    if (errno == EWOULDBLOCK)
        throw TemporaryFailure(fmt::format("{}: another smtpauth-filter uses this journal_directory", path));
    throw std::runtime_error(fmt::format("{}: cannot lock: {}", lock, std::generic_category().message(errno)));
}

JournalStore::Passed DiskJournal::passed() const
{
    const std::uint64_t sender = catalogue_.acknowledged();
    return {sender, consumer_ ? std::min(sender, consumer_->passed()) : sender};
}

bool DiskJournal::append(const event::Record& record, CommitWaiter* waiter)
{
    encode(record);
    if (keep_now())
        return true;
    const std::uint64_t sequence = submit({.waits = waiter != nullptr, .is_mail = event::passed(record)});
    if (waiter != nullptr)
        waiting_.push_back({sequence, waiter});
    return false;
}

/// Makes frame_ the record's, with the next number.
void DiskJournal::encode(const event::Record& record)
{
    frame_.clear();
    const std::size_t begin = journal::begin_frame(frame_);
    event::encode(record, frame_);
    if (frame_.size() - journal::header_size > journal::max_record_size) {
        log::error("journal: a record of {} octets is too long to be kept; at most {}", frame_.size(),
                   journal::max_record_size);
        frame_.clear();
    } else {
        journal::end_frame(frame_, begin, id_, last_ + 1, writer_->safe());
    }
}

/// Writes frame_ on this thread where nothing stands in its way. @return  false: it is for submit().
bool DiskJournal::keep_now()
{
    if (done_ != last_ || frame_.empty() || !writer_->keep_now(frame_, last_ + 1))
        return false;
    done_ = ++last_;
    release(done_);
    return true;
}

/// Queues frame_ for the writer's thread. @return  its number.
std::uint64_t DiskJournal::submit(JournalWriter::Entry entry)
{
    entry.sequence = ++last_;
    writer_->submit(frame_, entry);
    if (!std::exchange(flush_is_due_, true))
        asio::post(io_, while_alive([this] {
                       flush_is_due_ = false;
                       flush();
                   }));
    return last_;
}

/// Lets the thread have what is queued, unless take_over() has it later. Not for each record: a sync takes the same
/// time whatever it syncs.
void DiskJournal::flush()
{
    if (std::max(done_, handed_over_) == last_ || (takes_over_ && handed_over_ > done_))
        return;
    handed_over_ = last_;
    writer_->hand_over();
}

/// The thread is done with all that it was given: what has been queued meanwhile takes one write each, as in
/// keep_now(). Without this there would never be a quiet moment under load.
void DiskJournal::take_over()
{
    if (!takes_over_ || handed_over_ > done_ || done_ == last_)
        return;
    if (const auto kept = writer_->keep_queued())
        tell(*kept, *kept);
    flush();
}

void DiskJournal::release(std::uint64_t sequence)
{
    catalogue_.release(sequence);
    if (notify_)
        notify_();
}

void DiskJournal::withdraw(CommitWaiter& waiter, const event::Record& mail)
{
    const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                    [&waiter](const Waiting& waiting) { return waiting.waiter == &waiter; });
    assert(found != waiting_.end());
    found->waiter = nullptr;
    catalogue_.make_void(found->sequence);
    event::Record record = mail; // what it was charged is to be taken back
    record.type = event::RecordType::void_record;
    record.rcpt_unlisted += static_cast<decltype(record.rcpt_unlisted)>(record.recipients.size());
    record.recipients.clear();
    record.voids = found->sequence;
    encode(record);
    submit({});
}

/// Lets those go whose records up to `last` were dealt with, and kept up to `kept`. What they append meanwhile is for
/// take_over().
void DiskJournal::tell(std::uint64_t last, std::uint64_t kept)
{
    done_ = last;
    while (!waiting_.empty() && waiting_.front().sequence <= last) {
        const Waiting waiting = waiting_.front();
        waiting_.pop_front();
        if (waiting.waiter != nullptr)
            waiting.waiter->committed(waiting.sequence <= kept ? Kept::yes : passes_when_full_ ? Kept::lost : Kept::no);
    }
    release(done_); // those who were told may have had more kept since
}

void DiskJournal::poll()
{
    while (const auto done = writer_->take_done())
        batch_done(*done);
}

void DiskJournal::batch_done(const JournalWriter::Done& done)
{
    tell(done.last, done.kept);
    take_over();
    if (settling_ != 0 && settling_ <= done.last) {
        const bool settled = settling_ <= done.kept;
        settling_ = 0;
        if (!settled)
            return settle_later();
    }
    if (done.has_losses && settling_ == 0 && !settle_waits_)
        done.kept == done.last ? settle_losses() : settle_later();
}

/// Tells of what was lost, as soon as there is room for it.
void DiskJournal::settle_losses()
{
    const JournalWriter::Figures figures = writer_->figures();
    event::Record loss;
    loss.type = event::RecordType::loss;
    loss.connect_time = time_of(figures.first_lost_ms);
    loss.eom_time = time_of(figures.last_lost_ms);
    loss.count = figures.lost.messages - figures.settled.messages;
    loss.reason =
        fmt::format("{} messages passed and {} refusals were answered without a record: the journal could not "
                    "keep them",
                    loss.count, figures.lost.others - figures.settled.others);
    encode(loss);
    settling_ = submit({.settles = figures.lost});
}

void DiskJournal::settle_later()
{
    settle_waits_ = true;
    settle_timer_.expires_after(settle_pause);
    settle_timer_.async_wait(while_alive([this] {
        settle_waits_ = false;
        settle_losses();
    }));
}

} // namespace smtpauth
