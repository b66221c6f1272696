#include "collector/stats_log/record_logs.hpp"

#include <chrono>
#include <thread>
#include <utility>
#include <variant>

#include "collector/stats_log/line.hpp"
#include "collector/stats_log/line_reader.hpp"
#include "collector/stats_log/read_back.hpp"
#include "common/log.hpp"
#include "common/replace_file.hpp"
#include "proto/event/codec.hpp"

namespace smtpauth {

namespace {

constexpr mode_t state_mode = 0640;

/// On a machine with few cores the filter, which somebody waits for, gets one after so many: a whole batch would hold
/// an answer up for a millisecond.
constexpr std::size_t records_a_turn = 4;

/// How old the state file's sizes may be.
constexpr std::chrono::minutes state_age(1);

} // namespace

RecordLogs::RecordLogs(const Files& files, Settings settings, const Clock& clock, TrafficSink sink, Disk& disk)
    : disk_(disk),
      state_path_(files.state),
      stats_{LogFile(files.stats_log, clock, disk)},
      rejects_{LogFile(files.rejects_log, clock, disk)},
      clock_(clock),
      sink_(std::move(sink))
{
    set(settings);
}

void RecordLogs::set(const Settings& settings)
{
    settings_ = settings;
    for (Log* log : both())
        log->file.set_durable(settings.durability != Durability::process);
}

std::optional<RecordLogs::Error> RecordLogs::read_back(event::Time recount_from, const TrafficSink& recount)
{
    const CollectorState saved = load_state(disk_, state_path_);
    auto error = read_back(stats_, saved.stats, recount_from, recount);
    return error ? error : read_back(rejects_, saved.rejects, recount_from, recount);
}

std::optional<RecordLogs::Error> RecordLogs::read_back(Log& log, const LogState& saved, event::Time recount_from,
                                                       const TrafficSink& recount)
{
    auto history = read_back_log(disk_, log.file.path(), saved, [&](std::string_view line, const LineMarks& marks) {
        // The marks are whole seconds; the recount decides by itself what is written already.
        const bool counts_again = marks.eom_time + std::chrono::seconds(1) > recount_from;
        const bool wanted = observer_ && observer_->wants(marks.id, &log == &stats_, marks.eom_time);
        if (!counts_again && !wanted)
            return;
        const auto read = read_log_line(line);
        const auto* logged = std::get_if<LoggedRecord>(&read);
        if (const auto sample = logged && counts_again ? traffic_of(logged->record) : std::nullopt)
            recount(*sample);
        if (logged && wanted)
            observer_->replay(logged->id, logged->record);
    });
    if (auto* error = std::get_if<ScanError>(&history))
        return std::move(*error);
    auto& told = std::get<LogHistory>(history);
    log.committed = std::move(told.all);
    log.before = std::move(told.before);
    log.current = told.inode;
    return std::nullopt;
}

std::optional<RecordLogs::Error> RecordLogs::open()
{
    for (Log* log : both())
        if (auto error = log->file.open())
            return error;
    return begins_anew() || clock_.steady_now() - state_time_ >= state_age ? save_state() : std::nullopt;
}

void RecordLogs::add(const Batch& batch)
{
    std::size_t count = 0;
    for (const auto& entry : batch.entries) {
        add(entry.id, batch.record(entry));
        if (++count % records_a_turn == 0)
            std::this_thread::yield();
    }
}

void RecordLogs::add(const event::RecordId& id, event::Bytes bytes)
{
    const auto decoded = event::decode(bytes);
    if (const auto* record = std::get_if<event::Record>(&decoded)) {
        add(id, *record);
        return;
    }
    // Refusing it would stop this filter's stream for good, so it is named, counted and passed over.
    event::Record loss;
    loss.type = event::RecordType::loss;
    loss.eom_time = clock_.now();
    loss.reason = "record could not be read: " + std::get<event::Malformed>(decoded).error;
    log::error("record {}: {}", event::to_string(id), loss.reason);
    add(id, loss);
}

void RecordLogs::add(const event::RecordId& id, const event::Record& record)
{
    if (record.type == event::RecordType::void_record)
        return;
    Log& log = event::passed(record) ? stats_ : rejects_;
    if (log.has(id)) {
        ++log.counters.duplicates;
        return;
    }
    if (observer_)
        observer_->add(id, record);
    ++log.added;
    log.uncommitted.advance(id);
    line_.clear();
    append_line(line_, record, id, settings_.recipients);
    log.file.add(line_);
    if (const auto sample = traffic_of(record))
        uncommitted_.push_back(*sample);
}

std::optional<RecordLogs::Error> RecordLogs::commit()
{
    for (Log* log : both())
        if (auto error = log->file.commit())
            return error;
    if (begins_anew()) {
        if (auto error = save_state())
            return error;
    }
    for (Log* log : both()) {
        log->committed.advance(log->uncommitted);
        log->uncommitted.clear();
        log->counters.written += std::exchange(log->added, 0);
    }
    for (const TrafficSample& sample : uncommitted_)
        sink_(sample);
    uncommitted_.clear();
    return std::nullopt;
}

/// The state file does not know the current files, or may not.
bool RecordLogs::begins_anew() const
{
    return state_text_.empty() || stats_.has_begun_a_file() || rejects_.has_begun_a_file();
}

/// What was not committed before a file was begun stands in that file: LogFile takes it along.
std::optional<RecordLogs::Error> RecordLogs::save_state()
{
    for (Log* log : both()) {
        if (!log->has_begun_a_file())
            continue;
        log->current = log->file.inode();
        log->before = log->committed;
    }
    const auto state_of = [](const Log& log) {
        return LogState{log.current, static_cast<std::uint64_t>(log.file.safe_size()), log.before};
    };
    state_time_ = clock_.steady_now();
    std::string text = state_to_text({state_of(stats_), state_of(rejects_)});
    if (text == state_text_)
        return std::nullopt;
    state_text_.clear();
    auto error = replace_file(disk_, state_path_, text, state_mode);
    if (!error)
        state_text_ = std::move(text);
    return error;
}

void RecordLogs::reopen()
{
    stats_.file.reopen();
    rejects_.file.reopen();
}

} // namespace smtpauth
