#include "filter/journal/journal_writer.hpp"

#include <utility>

#include "common/log.hpp"

namespace smtpauth {

namespace {

/// How often positions are written down, segments deleted and, where durability is "process", records synced.
constexpr std::chrono::seconds look_interval{1};

/// A disk that takes longer is worth a line in the log.
constexpr std::chrono::seconds slow{2};

std::uint64_t milliseconds_of(Clock::WallTime time)
{
    return static_cast<std::uint64_t>(time.time_since_epoch().count());
}

} // namespace

JournalWriter::JournalWriter(std::unique_ptr<JournalStore> store, const Catalogue& catalogue, Settings settings,
                             const Clock& clock, std::function<void()> done,
                             std::function<JournalStore::Passed()> passed)
    : store_(std::move(store)),
      catalogue_(catalogue),
      settings_(settings),
      clock_(clock),
      done_(std::move(done)),
      passed_(std::move(passed)),
      safe_(store_->last()),
      thread_()
{
    publish();
    thread_ = std::thread([this] { run(); });
}

JournalWriter::~JournalWriter()
{
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void JournalWriter::submit(std::string_view frame, Entry entry)
{
    const std::lock_guard lock(mutex_);
    const bool was_empty = pending_.entries.empty();
    const bool overflows = !was_empty && pending_.frames.size() + frame.size() > settings_.max_queue_bytes;
    entry.size = frame.size();
    entry.dropped = frame.empty() || overflows || (!was_empty && pending_.entries.back().dropped);
    if (entry.dropped && !entry.waits && !entry.settles && !was_empty) {
        ++pending_.dropped.others;
        return;
    }
    if (!entry.dropped)
        pending_.frames.append(frame);
    pending_.entries.push_back(entry);
}

void JournalWriter::hand_over()
{
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(handed_over_, true))
            return;
    }
    changed_.notify_one();
}

std::optional<std::uint64_t> JournalWriter::keep_queued()
{
    const std::unique_lock store_lock(store_mutex_, std::try_to_lock);
    if (!store_lock || failing_)
        return std::nullopt;
    const std::lock_guard lock(mutex_);
    std::size_t kept = 0;
    std::size_t offset = 0;
    for (const Entry& entry : pending_.entries) {
        if (entry.dropped || entry.settles ||
            !store_->write_now(std::string_view(pending_.frames).substr(offset, entry.size), entry.sequence))
            break;
        offset += entry.size;
        ++kept;
    }
    if (kept == 0)
        return std::nullopt;
    const std::uint64_t last = pending_.entries[kept - 1].sequence;
    pending_.frames.erase(0, offset);
    pending_.entries.erase(pending_.entries.begin(), pending_.entries.begin() + static_cast<std::ptrdiff_t>(kept));
    return last;
}

bool JournalWriter::keep_now(std::string_view frame, std::uint64_t sequence)
{
    if (settings_.durability != Durability::process)
        return false;
    bool ask = false;
    {
        const std::unique_lock store_lock(store_mutex_, std::try_to_lock);
        if (!store_lock || failing_ || !store_->write_now(frame, sequence))
            return false;
        ask = store_->needs_spare() && !std::exchange(asked_look_, true);
    }
    if (ask) {
        const std::lock_guard lock(mutex_);
        look_ = true;
        changed_.notify_one();
    }
    return true;
}

std::optional<JournalWriter::Done> JournalWriter::take_done()
{
    if (!has_ended_)
        return std::nullopt;
    const std::lock_guard lock(mutex_);
    const Done done = ended_.front();
    ended_.pop_front();
    has_ended_ = !ended_.empty();
    return done;
}

JournalWriter::Figures JournalWriter::figures() const
{
    const std::lock_guard lock(mutex_);
    return figures_;
}

void JournalWriter::run()
{
    Batch batch;
    bool preparing = true;
    while (true) {
        {
            std::unique_lock lock(mutex_);
            if (!preparing)
                changed_.wait_for(lock, look_interval, [this] { return handed_over_ || stop_ || look_; });
            if (pending_.entries.empty() && stop_)
                break;
            look_ = false;
            if (std::exchange(handed_over_, false) || stop_)
                std::swap(batch, pending_);
        }
        const std::lock_guard store_lock(store_mutex_);
        asked_look_ = false;
        const auto begin = clock_.steady_now();
        const std::size_t records = batch.entries.size();
        if (records != 0)
            write(batch);
        batch.frames.clear();
        batch.entries.clear();
        batch.dropped = {};
        preparing = store_->prepare(records == 0);
        if (clock_.steady_now() >= next_look_)
            look_after();
        // Whatever of this took so long: the next batch waited for it.
        if (const auto took = clock_.steady_now() - begin; took > slow)
            log::warning("journal: the disk is slow: {:.1f} s for {} records and what goes with them",
                         std::chrono::duration<double>(took).count(), records);
    }
    const std::lock_guard store_lock(store_mutex_);
    look_after();
}

void JournalWriter::write(const Batch& batch)
{
    Done done{batch.entries.front().sequence - 1, batch.entries.back().sequence};
    std::size_t offset = 0;
    for (std::size_t at = 0; at < batch.entries.size();) {
        const std::size_t kept = keep_some(batch, at, offset);
        if (kept == 0) {
            lose(batch, at);
            break;
        }
        offset += size_of(batch, at, kept);
        at += kept;
        done.kept = batch.entries[at - 1].sequence;
    }
    done.has_losses = store_->state().lost != store_->state().settled;
    publish();
    {
        const std::lock_guard lock(mutex_);
        ended_.push_back(done);
        has_ended_ = true;
    }
    done_();
}

/// Octets of the frames of `count` entries.
std::size_t JournalWriter::size_of(const Batch& batch, std::size_t at, std::size_t count)
{
    std::size_t size = 0;
    for (std::size_t end = at + count; at < end; ++at)
        size += batch.entries[at].size;
    return size;
}

/// Records that are written at once: all of them, but a LOSS record stands alone, as does each where durability is
/// "always".
std::size_t JournalWriter::group_size(const Batch& batch, std::size_t at) const
{
    if (settings_.durability == Durability::always || batch.entries[at].settles || batch.entries[at].dropped)
        return 1;
    std::size_t count = 1;
    while (at + count < batch.entries.size() && !batch.entries[at + count].settles &&
           !batch.entries[at + count].dropped)
        ++count;
    return count;
}

/// @return  how many were kept: where there is no room for all, there may be for one.
std::size_t JournalWriter::keep_some(const Batch& batch, std::size_t at, std::size_t offset)
{
    const std::size_t count = group_size(batch, at);
    if (keep(batch, at, count, offset))
        return count;
    return count > 1 && keep(batch, at, 1, offset) ? 1 : 0;
}

bool JournalWriter::keep(const Batch& batch, std::size_t at, std::size_t count, std::size_t offset)
{
    if (batch.entries[at].dropped)
        return false;
    const std::uint64_t first = batch.entries[at].sequence;
    const std::uint64_t last = batch.entries[at + count - 1].sequence;
    const std::string_view frames = std::string_view(batch.frames).substr(offset, size_of(batch, at, count));
    const auto& settles = batch.entries[at].settles;
    // Twice, as records are written: those behind it in the batch would be lost with it.
    if (settles && !store_->begin_settling(first, *settles) && !store_->begin_settling(first, *settles))
        return false;
    store_->trim(passed_());
    if (store_->write(frames, first, last) != JournalStore::Kept::yes)
        return false;
    if (settles)
        store_->end_settling();
    if (settings_.durability != Durability::process)
        safe_ = last;
    if (std::exchange(failing_, false))
        log::info("journal: records are kept again; {} messages and {} refusals had none",
                  store_->state().lost.messages - lost_before_.messages,
                  store_->state().lost.others - lost_before_.others);
    return true;
}

/// Counts the records from `at` on, before their messages are answered.
void JournalWriter::lose(const Batch& batch, std::size_t at)
{
    if (!std::exchange(failing_, true)) {
        lost_before_ = store_->state().lost;
        log::error("journal: {}; until this is mended {}",
                   batch.entries[at].dropped ? "too much waits for the disk (queue_max_bytes)" : store_->error(),
                   settings_.passes_when_full ? "mail passes and only counts as lost to the log (on_journal_full)"
                                              : "mail is answered 451 (on_journal_full)");
    }
    Losses losses = batch.dropped;
    const std::uint64_t first = batch.entries[at].sequence;
    for (; at < batch.entries.size(); ++at) {
        const Entry& entry = batch.entries[at];
        if (entry.settles)
            continue;
        if (!entry.is_mail || catalogue_.is_void(entry.sequence))
            ++losses.others;
        else if (settings_.passes_when_full)
            ++losses.messages;
    }
    // Also where nothing counts: what a failing disk may have of these records must not come back.
    if (!store_->note_losses(losses, first, batch.entries.back().sequence, milliseconds_of(clock_.now())))
        log::error("journal: losses are counted in memory only: {}", store_->error());
}

void JournalWriter::look_after()
{
    next_look_ = clock_.steady_now() + look_interval;
    store_->trim(passed_());
    store_->save_position();
    if (settings_.durability == Durability::process) {
        if (store_->flush())
            safe_ = store_->last();
        else
            log::error("journal: {}", store_->error());
    }
    publish();
}

void JournalWriter::publish()
{
    const std::lock_guard lock(mutex_);
    figures_.used_bytes = store_->used_bytes();
    figures_.lost = store_->state().lost;
    figures_.settled = store_->state().settled;
    figures_.first_lost_ms = store_->state().first_lost_ms;
    figures_.last_lost_ms = store_->state().last_lost_ms;
    figures_.error = failing_ ? store_->error() : std::string();
}

} // namespace smtpauth
