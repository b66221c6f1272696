#include "collector/stats_log/record_logs.hpp"

#include <utility>
#include <variant>

#include "collector/stats_log/line.hpp"
#include "collector/stats_log/line_reader.hpp"
#include "collector/stats_log/log_scan.hpp"
#include "common/log.hpp"
#include "proto/event/codec.hpp"

namespace smtpauth {

RecordLogs::RecordLogs(const std::string& stats_log, const std::string& rejects_log, Settings settings,
                       const Clock& clock, TrafficSink sink)
    : stats_{LogFile(stats_log, clock), {}, {}},
      rejects_{LogFile(rejects_log, clock), {}, {}},
      settings_(settings),
      clock_(clock),
      sink_(std::move(sink))
{
}

void RecordLogs::read_back(event::Time recount_from, const TrafficSink& recount)
{
    read_back(stats_, recount_from, recount);
    read_back(rejects_, recount_from, recount);
}

void RecordLogs::read_back(Log& log, event::Time recount_from, const TrafficSink& recount)
{
    std::uint64_t foreign_lines = 0;
    scan_log(log.file.path(), {}, [&](std::string_view line) {
        const auto marks = marks_of(line);
        if (!marks) {
            ++foreign_lines;
            return;
        }
        log.cursors.advance(marks->id);
        // The marks are whole seconds; the recount decides by itself what is written already.
        if (marks->eom_time + std::chrono::seconds(1) <= recount_from)
            return;
        const auto read = read_log_line(line);
        const auto* logged = std::get_if<LoggedRecord>(&read);
        if (const auto sample = logged ? traffic_of(logged->record) : std::nullopt)
            recount(*sample);
    });
    if (foreign_lines != 0)
        log::warning("{}: {} lines read back that this program did not write", log.file.path(), foreign_lines);
}

std::optional<LogFile::Error> RecordLogs::open()
{
    auto error = stats_.file.open();
    return error ? error : rejects_.file.open();
}

void RecordLogs::add(const Batch& batch)
{
    for (const auto& entry : batch.entries)
        add(entry.id, batch.record(entry));
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
    if (log.cursors.has(id)) {
        ++log.counters.duplicates;
        return;
    }
    ++log.added;
    log.cursors.advance(id);
    line_.clear();
    append_line(line_, record, id, settings_.recipients);
    log.file.add(line_);
    if (const auto sample = traffic_of(record))
        uncommitted_.push_back(*sample);
}

std::optional<LogFile::Error> RecordLogs::commit()
{
    for (Log* log : {&stats_, &rejects_}) {
        if (auto error = log->file.flush())
            return error;
        if (settings_.durability == Durability::process)
            continue;
        if (auto error = log->file.sync())
            return error;
    }
    for (Log* log : {&stats_, &rejects_})
        log->counters.written += std::exchange(log->added, 0);
    for (const TrafficSample& sample : uncommitted_)
        sink_(sample);
    uncommitted_.clear();
    return std::nullopt;
}

void RecordLogs::reopen()
{
    stats_.file.reopen();
    rejects_.file.reopen();
}

} // namespace smtpauth
