#include "collector/rrd/rrd_writer.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/log.hpp"

namespace smtpauth {

namespace {

constexpr std::chrono::seconds look_every(1);

/// A new file begins so far back: filters may have waited for the first start with records.
constexpr std::chrono::minutes new_file_span(60);

} // namespace

RrdWriter::RrdWriter(const std::string& directory, std::chrono::milliseconds delay, const Clock& clock)
    : clock_(clock),
      guard_(clock),
      first_write_(clock.steady_now() + start_grace),
      delay_(delay),
      passed_(make_series(directory + "/stats.rrd", {"recv", "sent"})),
      refused_(make_series(directory + "/refusals.rrd", {"reject", "tempfail", "hold", "discard"}))
{
}

RrdWriter::~RrdWriter()
{
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable())
        thread_.join();
}

RrdWriter::Series RrdWriter::make_series(const std::string& path, std::vector<std::string> columns) const
{
    const Minute first = std::chrono::floor<std::chrono::minutes>(clock_.now()) - new_file_span;
    Series series{RrdFile(path, std::move(columns)), MinuteCounter(first)};
    auto error = begin(series, first);
    if (error)
        log::error("{}", series.error = *std::move(error));
    return series;
}

/// What was taken back stands in the logs, and is counted again from there.
std::optional<RrdFile::Error> RrdWriter::begin(Series& series, Minute first) const
{
    const auto opened = series.file.open(first);
    if (const auto* error = std::get_if<RrdFile::Error>(&opened))
        return *error;
    Minute next = std::get<Minute>(opened);
    if (lies_ahead(next)) {
        const Minute end = std::chrono::floor<std::chrono::minutes>(clock_.now() - delay_);
        const auto taken = take_back(series.file, next, end);
        if (const auto* error = std::get_if<RrdFile::Error>(&taken))
            return *error;
        next = end;
    }
    series.counter = MinuteCounter(next);
    return std::nullopt;
}

Minute RrdWriter::first_unwritten() const
{
    const std::lock_guard lock(mutex_);
    return std::min(passed_.counter.next(), refused_.counter.next());
}

void RrdWriter::recount(const TrafficSample& sample)
{
    const std::lock_guard lock(mutex_);
    series_of(sample.graph).counter.recount(sample.time, sample.counts);
}

void RrdWriter::start()
{
    thread_ = std::thread([this] { run(); });
}

void RrdWriter::add(const TrafficSample& sample)
{
    const std::lock_guard lock(mutex_);
    series_of(sample.graph).counter.add(sample.time, sample.counts);
}

void RrdWriter::set_delay(std::chrono::milliseconds delay)
{
    const std::lock_guard lock(mutex_);
    delay_ = delay;
}

std::uint64_t RrdWriter::late() const
{
    const std::lock_guard lock(mutex_);
    return passed_.counter.late() + refused_.counter.late();
}

void RrdWriter::run()
{
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, look_every, [this] { return stop_; })) {
        lock.unlock();
        write_due();
        lock.lock();
    }
}

void RrdWriter::write_due()
{
    const Minute end = due_end();
    if (clock_.steady_now() < first_write_)
        return;
    write_due(passed_, end);
    write_due(refused_, end);
}

/// Minutes before this one may be written.
Minute RrdWriter::due_end()
{
    const auto now = guard_.believed_now();
    if (guard_.is_ahead() != std::exchange(told_ahead_, guard_.is_ahead()))
        log::warning("clock: {}", told_ahead_ ? "jumped ahead; the graphs wait, for an hour at most, before they follow"
                                              : "believed again; the graphs go on");
    const std::lock_guard lock(mutex_);
    return std::chrono::floor<std::chrono::minutes>(now - delay_);
}

void RrdWriter::write_due(Series& series, Minute end)
{
    {
        const std::lock_guard lock(mutex_);
        if (series.counter.next() >= end && !lies_ahead(series.counter.next()))
            return;
    }
    tell(series, write(series, end));
}

std::optional<RrdFile::Error> RrdWriter::write(Series& series, Minute end)
{
    std::unique_lock lock(mutex_);
    const Minute next = series.counter.next();
    lock.unlock();
    const auto opened = series.file.open(next);
    if (const auto* error = std::get_if<RrdFile::Error>(&opened))
        return *error;
    if (lies_ahead(std::get<Minute>(opened))) {
        const auto taken = take_back(series.file, std::get<Minute>(opened), end);
        if (const auto* error = std::get_if<RrdFile::Error>(&taken))
            return *error;
        lock.lock();
        series.counter.rewind_to(end);
        series.counter.put_back(std::get<std::vector<MinuteRow>>(taken));
        return std::nullopt;
    }

    lock.lock();
    if (lies_ahead(next))
        series.counter.rewind_to(std::get<Minute>(opened));
    series.counter.skip_to(std::get<Minute>(opened));
    const auto rows = series.counter.take_until(end);
    lock.unlock();
    auto error = series.file.update(rows);
    if (error) {
        lock.lock();
        series.counter.put_back(rows);
    }
    return error;
}

/// The clock was put back: without this the file would take nothing until it has caught up.
std::variant<std::vector<MinuteRow>, RrdFile::Error> RrdWriter::take_back(const RrdFile& file, Minute next,
                                                                          Minute end) const
{
    const auto now = clock_.now();
    const bool far = next > now + far_ahead;
    const std::string kept = far ? fmt::format("{}.ahead.{}", file.path(), now.time_since_epoch().count()) : "";
    auto taken = file.take_back(end, kept);
    if (std::holds_alternative<std::vector<MinuteRow>>(taken))
        log::warning("{}: last update lies {} min ahead of the clock; what lies ahead was taken back{}{}", file.path(),
                     (next - std::chrono::floor<std::chrono::minutes>(now)).count(),
                     far ? ", the old file is kept as " : "", kept);
    return taken;
}

/// Logs what has changed since the last time.
void RrdWriter::tell(Series& series, const std::optional<RrdFile::Error>& error)
{
    if (error && *error != series.error)
        log::error("{}; its minutes are kept and tried again", *error);
    else if (!error && !series.error.empty())
        log::info("{}: can be written again", series.file.path());
    series.error = error.value_or("");

    std::unique_lock lock(mutex_);
    const std::uint64_t late = series.counter.late();
    lock.unlock();
    if (late != series.late_told)
        log::warning("{}: {} records came after their minute was written and are not in the graph, {} since the start",
                     series.file.path(), late - series.late_told, late);
    series.late_told = late;
}

} // namespace smtpauth
