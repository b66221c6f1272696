#include "filter/journal/store.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "common/disk_io.hpp"
#include "common/log.hpp"
#include "filter/journal/damage.hpp"
#include "proto/event/record_id.hpp"

namespace smtpauth {

namespace {

constexpr std::string_view suffix = ".j1";
constexpr std::size_t journal_digits = 16;
constexpr std::size_t number_digits = 20;

/// Octets of zeros written at once while the next segment is prepared.
constexpr std::uint64_t fill_step = std::uint64_t{1} << 20;

/// And by one call. The page cache keeps what one call wrote in one piece, and ext4 looks at all of a piece's blocks
/// each time a record is written into it.
constexpr std::uint64_t fill_piece = std::uint64_t{64} << 10;

bool write_zeros(Disk& disk, int fd, std::uint64_t size, std::uint64_t offset)
{
    static const std::string zeros(fill_piece, '\0');
    for (const std::uint64_t end = offset + size; offset < end; offset += std::min(fill_piece, end - offset))
        if (!write_all(disk, fd, std::string_view(zeros).substr(0, end - offset), static_cast<off_t>(offset)))
            return false;
    return true;
}

std::string name_of(std::uint64_t journal, std::uint64_t first)
{
    return fmt::format("{}-{:020}{}", event::journal_to_string(journal), first, suffix);
}

bool is_full(int error)
{
    return error == ENOSPC || error == EDQUOT;
}

/// Nothing for a file that is no segment.
std::optional<Segment> parse_name(std::string_view name)
{
    if (name.size() != journal_digits + 1 + number_digits + suffix.size() || !name.ends_with(suffix) ||
        name[journal_digits] != '-')
        return std::nullopt;
    Segment segment;
    const auto parse = [&name](std::size_t at, std::size_t size, int base, std::uint64_t& to) {
        const char* const end = name.data() + at + size;
        const auto [stop, error] = std::from_chars(name.data() + at, end, to, base);
        return error == std::errc{} && stop == end;
    };
    if (!parse(0, journal_digits, 16, segment.journal) ||
        !parse(journal_digits + 1, number_digits, 10, segment.first) || segment.first == 0)
        return std::nullopt;
    segment.last = segment.first - 1;
    return segment;
}

} // namespace

JournalStore::JournalStore(Disk& disk, Settings settings, std::uint64_t journal, Catalogue& catalogue,
                           const std::function<void(const journal::Frame&)>& visit)
    : disk_(disk),
      settings_(std::move(settings)),
      journal_(journal),
      catalogue_(catalogue),
      page_(disk, settings_.directory + "/state")
{
    bool told = false;
    recover([&](const journal::Frame& frame) {
        told = told || frame.sequence == state().settling_sequence;
        if (visit)
            visit(frame);
    });
    recover_losses(told);
}

JournalStore::~JournalStore()
{
    end_segment();
    if (spare_fd_ >= 0)
        disk_.close(spare_fd_);
}

// What a crash leaves behind.

void JournalStore::recover(const std::function<void(const journal::Frame&)>& visit)
{
    std::vector<std::string> names;
    if (disk_.list(settings_.directory, names) != 0)
        throw std::runtime_error(
            fmt::format("{}: cannot be read: {}", settings_.directory, std::generic_category().message(errno)));
    std::vector<Segment> found;
    for (const std::string& name : names) {
        if (auto segment = parse_name(name)) {
            segment->path = settings_.directory + '/' + name;
            found.push_back(std::move(*segment));
        }
    }
    // Numbers go on from one start to the next, so they order the segments of all journals.
    std::sort(found.begin(), found.end(), [](const Segment& a, const Segment& b) { return a.first < b.first; });
    recover_position(found);
    for (std::size_t at = 0; at < found.size(); ++at)
        recover(found[at], at + 1 < found.size() ? found[at + 1].first : 0, visit);
    if (disk_.sync_directory(settings_.directory) != 0)
        log::warning("{}: cannot be synced: {}", settings_.directory, std::generic_category().message(errno));
    catalogue_.release(last_);
}

/// What was acknowledged is so only in its own journal, or before it.
void JournalStore::recover_position(const std::vector<Segment>& found)
{
    std::uint64_t acknowledged = state().acknowledged;
    sender_journal_ = state().acknowledged_journal;
    last_ = std::max({acknowledged, state().lost_last, state().settling_sequence});
    const bool is_found = std::any_of(found.begin(), found.end(),
                                      [this](const Segment& segment) { return segment.journal == sender_journal_; });
    if (!found.empty() && !is_found)
        acknowledged = std::min(acknowledged, found.front().first - 1);
    passed_.sender = acknowledged;
    catalogue_.acknowledge(acknowledged);
}

/// @param next_first  number that the segment behind this one begins with, 0 for the last.
void JournalStore::recover(Segment segment, std::uint64_t next_first,
                           const std::function<void(const journal::Frame&)>& visit)
{
    const std::string path = segment.path;
    const int fd = disk_.open(path, O_RDWR, 0);
    struct stat status {};
    std::string bytes;
    if (fd < 0 || disk_.status(fd, status) != 0 ||
        !read_all(disk_, fd, static_cast<std::size_t>(status.st_size), 0, bytes)) {
        const int error = errno;
        if (fd >= 0)
            disk_.close(fd);
        // Not taken for empty: another start may be able to read it, and would find its numbers used twice.
        throw std::runtime_error(fmt::format("{}: cannot be read: {}; to start without its records, move it away", path,
                                             std::generic_category().message(error)));
    }

    bytes.resize(octets_without_lost(bytes, segment));
    std::uint64_t synced = 0;
    auto scan = journal::scan(bytes, segment.journal, segment.first, [&](const journal::Frame& frame) {
        synced = frame.synced;
        visit(frame);
    });
    // A segment with one behind it was on the disk as a whole; else a power cut may have brought back, torn, what was
    // deleted long ago.
    const bool was_whole = next_first != 0 && settings_.syncs;
    for (journal::Damage& damage : scan.damages)
        damage.was_synced = damage.was_synced || was_whole;
    const std::uint64_t next = std::max(scan.last + 1, segment.first);
    const bool counted = state().lost_first <= next && next_first <= state().lost_last + 1;
    if (scan.unfinished != 0 && next_first > next && !counted) {
        // More was written behind it, so this end is not one that a crash tore.
        scan.damages.push_back({scan.used, scan.unfinished, next, next_first - 1, was_whole});
        scan.last = next_first - 1;
        scan.used += scan.unfinished;
    } else if (scan.unfinished != 0) {
        log::warning("{}: cut {} octets of an unfinished record {} at offset {}", path, scan.unfinished, next,
                     scan.used);
    }
    for (const journal::Damage& damage : scan.damages)
        mend(path, fd, segment.journal, damage, synced);
    if (static_cast<off_t>(scan.used) < status.st_size && disk_.truncate(fd, static_cast<off_t>(scan.used)) != 0)
        log::warning("{}: cannot be cut to {} octets: {}", path, scan.used, std::generic_category().message(errno));
    // What an earlier process wrote may still be in memory only; and what is cut must not come back.
    if (!sync_file(disk_, fd))
        log::warning("{}: cannot be synced: {}", path, std::generic_category().message(errno));
    disk_.close(fd);

    segment.last = std::max(scan.last, segment.last);
    segment.used_bytes = scan.used;
    last_ = std::max(last_, segment.last);
    if (segment.last < segment.first) {
        drop(segment);
        return;
    }
    used_bytes_ += segment.used_bytes;
    catalogue_.add(segment);
    segments_.push_back(std::move(segment));
}

/// Records that were counted as lost do not stand in the journal, whatever a failing disk has kept of them.
/// @return  where the first of them begins, or the file ends.
std::size_t JournalStore::octets_without_lost(journal::Bytes bytes, const Segment& segment) const
{
    std::size_t octets = bytes.size();
    if (state().lost_last < segment.first)
        return octets;
    journal::scan(bytes, segment.journal, segment.first, [&](const journal::Frame& frame) {
        if (frame.sequence >= state().lost_first && frame.sequence <= state().lost_last)
            octets =
                std::min(octets, static_cast<std::size_t>(frame.record.data() - bytes.data()) - journal::header_size);
    });
    return octets;
}

/// Puts a record in the place of lost ones that says so: the next start, and the collector, meet them once.
void JournalStore::mend(const std::string& path, int fd, std::uint64_t journal, const journal::Damage& damage,
                        std::uint64_t synced)
{
    log::error("{}", text_of(damage, path));
    if (damage.records() == 0 || damage.size < smallest_damage_frame)
        return;
    if (!write_all(disk_, fd, frame_for_damage(path, journal, damage, synced), static_cast<off_t>(damage.offset)) ||
        !sync_file(disk_, fd))
        log::error("{}: cannot be mended: {}", path, std::generic_category().message(errno));
}

/// @param told  the record that was to tell of losses stands in the journal. Where this cannot be noted and a power cut
/// brings `settling_sequence` back, that number has become no other record's: recover_position().
void JournalStore::recover_losses(bool told)
{
    JournalState state = page_.state();
    if (state.settling_sequence == 0)
        return;
    if (told)
        state.settled = state.settling;
    state.settling_sequence = 0;
    if (!page_.save(state, true))
        log::error("{}/state: cannot be written: {}", settings_.directory, std::generic_category().message(errno));
}

// Writing.

JournalStore::Kept JournalStore::write(journal::Bytes frames, std::uint64_t first, std::uint64_t last)
{
    if (!has_room(frames.size()))
        return Kept::full;
    // The second time in a new segment. A third would say nothing new.
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (fd_ < 0 || segments_.back().used_bytes + frames.size() > room_) {
            if (!roll(first, frames.size()))
                continue;
        }
        if (!append(frames)) {
            abandon_segment();
            continue;
        }
        take(frames.size(), last);
        disk_refuses_ = false;
        return Kept::yes;
    }
    disk_refuses_ = true;
    return is_full(error_number_) ? Kept::full : Kept::failed;
}

bool JournalStore::write_now(journal::Bytes frame, std::uint64_t sequence)
{
    if (fd_ < 0 || segments_.back().used_bytes + frame.size() > room_ ||
        used_bytes_ + frame.size() > settings_.max_bytes)
        return false;
    if (!write_all(disk_, fd_, frame, static_cast<off_t>(segments_.back().used_bytes))) {
        fail("cannot write", segments_.back().path);
        leave_segment(); // write() cuts it
        return false;
    }
    unsynced_ = true;
    take(frame.size(), sequence);
    return true;
}

/// So many octets were appended, up to that record.
void JournalStore::take(std::size_t size, std::uint64_t last)
{
    Segment& segment = segments_.back();
    segment.last = last_ = last;
    segment.used_bytes += size;
    used_bytes_ += size;
    catalogue_.grow(last, segment.used_bytes);
}

bool JournalStore::has_room(std::size_t size)
{
    if (used_bytes_ + size <= settings_.max_bytes)
        return true;
    // The newest segment is kept although all have passed it; here its octets are wanted, as are those that only others
    // than the sender have not passed.
    if (!segments_.empty() && segments_.back().last <= passed_.sender)
        end_segment();
    trim({passed_.sender, passed_.sender});
    if (used_bytes_ + size <= settings_.max_bytes)
        return true;
    error_ = fmt::format("{}: {} octets in use, journal_max_bytes = {}", settings_.directory, used_bytes_,
                         settings_.max_bytes);
    return false;
}

bool JournalStore::append(journal::Bytes frames)
{
    const Segment& segment = segments_.back();
    if (!write_all(disk_, fd_, frames, static_cast<off_t>(segment.used_bytes)))
        return fail("cannot write", segment.path);
    unsynced_ = true;
    return !settings_.syncs || sync();
}

bool JournalStore::flush()
{
    if (!sync()) {
        // Never again on this descriptor; what stands in the file may still be read.
        if (fd_ >= 0)
            disk_.close(std::exchange(fd_, -1));
        return false;
    }
    return page_.sync() || fail("cannot sync", settings_.directory + "/state");
}

bool JournalStore::sync()
{
    if (std::exchange(unsynced_, false) && fd_ >= 0 && !sync_file(disk_, fd_))
        return fail("cannot sync", segments_.back().path);
    if (name_unsynced_ && disk_.sync_directory(settings_.directory) != 0)
        return fail("cannot sync the directory", settings_.directory);
    name_unsynced_ = false;
    return true;
}

/// Begins a segment whose first record is `first` and that holds `size` octets at least.
bool JournalStore::roll(std::uint64_t first, std::size_t size)
{
    end_segment();
    if (!cut_abandoned())
        return false;
    if (!fill_spare(std::max<std::uint64_t>(settings_.segment_bytes, size)) && spare_filled_ < size)
        return false;
    Segment segment{settings_.directory + '/' + name_of(journal_, first), journal_, first, first - 1, 0};
    if (disk_.rename(spare_path(), segment.path) != 0)
        return fail("cannot rename to " + segment.path, spare_path());
    fd_ = std::exchange(spare_fd_, -1);
    room_ = std::exchange(spare_filled_, 0);
    catalogue_.add(segment);
    segments_.push_back(std::move(segment));
    name_unsynced_ = true;
    return true;
}

/// Writes zeros until the file to become the next segment has so many octets. What an earlier process left is begun
/// anew.
bool JournalStore::fill_spare(std::uint64_t up_to)
{
    if (spare_fd_ < 0) {
        spare_filled_ = 0;
        spare_fd_ = disk_.open(spare_path(), O_RDWR | O_CREAT | O_TRUNC, journal_file_mode);
        if (spare_fd_ < 0)
            return fail("cannot open", spare_path());
    }
    while (spare_filled_ < up_to) {
        const auto step = std::min<std::uint64_t>(fill_step, up_to - spare_filled_);
        if (!write_zeros(disk_, spare_fd_, step, spare_filled_) || (settings_.syncs && !sync_file(disk_, spare_fd_))) {
            fail("cannot write", spare_path());
            disk_.close(std::exchange(spare_fd_, -1));
            // A smaller one may serve; its end is where the last whole step ended.
            if (is_full(error_number_) && spare_filled_ > 0) {
                spare_fd_ = disk_.open(spare_path(), O_RDWR, 0);
                if (spare_fd_ >= 0 && disk_.truncate(spare_fd_, static_cast<off_t>(spare_filled_)) == 0)
                    return false;
                if (spare_fd_ >= 0)
                    disk_.close(std::exchange(spare_fd_, -1));
            }
            spare_filled_ = 0;
            disk_.remove(spare_path());
            return false;
        }
        spare_filled_ += step;
    }
    return true;
}

bool JournalStore::prepare(bool idle)
{
    if (spare_failed_ || spare_filled_ >= settings_.segment_bytes || !(idle || needs_spare()))
        return false;
    spare_failed_ = !fill_spare(std::min(spare_filled_ + fill_step, settings_.segment_bytes));
    return !spare_failed_ && spare_filled_ < settings_.segment_bytes;
}

bool JournalStore::needs_spare() const
{
    return !spare_failed_ && spare_filled_ < settings_.segment_bytes && fd_ >= 0 &&
           segments_.back().used_bytes > room_ / 2;
}

/// After a failure: nothing is written to this file any more, and nothing of what failed is found in it.
void JournalStore::abandon_segment()
{
    leave_segment();
    cut_abandoned();
}

/// The same, without the work: nothing is written to another one before it is done.
void JournalStore::leave_segment()
{
    if (fd_ < 0)
        return;
    disk_.close(std::exchange(fd_, -1));
    unsynced_ = false;
    to_cut_ = segments_.back();
    first_loss_of_cut_ = true;
    if (to_cut_->used_bytes == 0) {
        catalogue_.remove(to_cut_->path);
        segments_.pop_back();
    }
}

bool JournalStore::cut_abandoned()
{
    if (!to_cut_)
        return true;
    bool cut = false;
    if (to_cut_->used_bytes == 0) {
        cut = (disk_.remove(to_cut_->path) == 0 || errno == ENOENT) &&
              (!settings_.syncs || disk_.sync_directory(settings_.directory) == 0);
    } else if (const int fresh = disk_.open(to_cut_->path, O_RDWR, 0); fresh >= 0) {
        cut = disk_.truncate(fresh, static_cast<off_t>(to_cut_->used_bytes)) == 0 &&
              (!settings_.syncs || sync_file(disk_, fresh));
        disk_.close(fresh);
    }
    if (!cut)
        return fail("cannot be cut", to_cut_->path);
    to_cut_.reset();
    return true;
}

/// Gives back what the newest segment does not use.
void JournalStore::end_segment()
{
    if (fd_ < 0)
        return;
    sync();
    const Segment segment = segments_.back();
    if (segment.used_bytes < room_)
        disk_.truncate(fd_, static_cast<off_t>(segment.used_bytes));
    disk_.close(std::exchange(fd_, -1));
    if (segment.used_bytes == 0) {
        drop(segment);
        segments_.pop_back();
    }
}

// Forgetting.

void JournalStore::trim(Passed passed)
{
    passed_ = {std::max(passed_.sender, passed.sender), std::max(passed_.all, passed.all)};
    for (const Segment& segment : segments_)
        if (segment.first <= passed_.sender)
            sender_journal_ = segment.journal;
    bool dropped = false;
    while (!segments_.empty() && (segments_.size() > 1 || fd_ < 0)) {
        const std::uint64_t last = segments_.front().last;
        const bool is_crowded = used_bytes_ > settings_.max_bytes / 2 || disk_refuses_;
        if (last > (is_crowded ? passed_.sender : passed_.all))
            break;
        if (last > passed_.all && !std::exchange(told_deleted_, true))
            log::warning(
                "{}: half full, or its disk is; records are deleted that others than the collector still wanted",
                settings_.directory);
        else if (!is_crowded)
            told_deleted_ = false;
        if (!std::exchange(dropped, true))
            save_position();
        used_bytes_ -= segments_.front().used_bytes;
        drop(segments_.front());
        segments_.pop_front();
    }
    if (dropped)
        spare_failed_ = false;
}

/// A segment that cannot be deleted is sent again at the next start, and dropped by the collector.
void JournalStore::drop(const Segment& segment)
{
    catalogue_.remove(segment.path);
    const bool was_to_be_cut = to_cut_ && to_cut_->path == segment.path;
    if (disk_.remove(segment.path) != 0) {
        log::warning("{}: cannot be deleted: {}", segment.path, std::generic_category().message(errno));
        if (was_to_be_cut)
            to_cut_->used_bytes = 0;
    } else if (was_to_be_cut) {
        to_cut_.reset();
    }
}

void JournalStore::save_position()
{
    JournalState state = page_.state();
    const bool moved = std::exchange(state.acknowledged, passed_.sender) != passed_.sender;
    state.acknowledged_journal = sender_journal_;
    if ((moved || !page_.is_saved()) && !page_.save(state, false))
        fail("cannot write", settings_.directory + "/state");
}

// Losses.

bool JournalStore::note_losses(const Losses& more, std::uint64_t first, std::uint64_t last, std::uint64_t time_ms)
{
    JournalState state = page_.state();
    if (state.lost == state.settled)
        state.first_lost_ms = time_ms;
    state.last_lost_ms = time_ms;
    // One range is enough: nothing is kept behind it before what a file may have of it is cut off.
    if (!to_cut_ || std::exchange(first_loss_of_cut_, false))
        state.lost_first = first;
    state.lost_last = last;
    state.lost.messages += more.messages;
    state.lost.others += more.others;
    state.settling_sequence = 0; // where it was not kept, it is the first of these
    return page_.save(state, settings_.syncs) || fail("cannot write", settings_.directory + "/state");
}

bool JournalStore::begin_settling(std::uint64_t sequence, const Losses& told)
{
    JournalState state = page_.state();
    state.settling = told;
    state.settling_sequence = sequence;
    return page_.save(state, true) || fail("cannot write", settings_.directory + "/state");
}

void JournalStore::end_settling()
{
    // Safe before it is noted, whatever `syncs` says: it stands for records that are older than any flush. Where that
    // fails, only a power cut can make it forgotten; told again and again would be worse.
    sync();
    JournalState state = page_.state();
    state.settled = state.settling;
    state.settling_sequence = 0;
    page_.save(state, true);
}

bool JournalStore::fail(const std::string& what, const std::string& path)
{
    error_number_ = errno;
    error_ = fmt::format("{}: {}: {}", path, what, std::generic_category().message(error_number_));
    return false;
}

std::string JournalStore::spare_path() const
{
    return settings_.directory + "/next";
}

} // namespace smtpauth
