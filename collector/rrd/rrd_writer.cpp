#include "collector/rrd/rrd_writer.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
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
    const auto opened = open(series, first);
    if (const auto* next = std::get_if<Minute>(&opened))
        series.counter = MinuteCounter(*next);
    else
        log::error("{}", series.error = std::get<RrdFile::Error>(opened));
    return series;
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
        if (series.counter.next() >= end && !is_hopeless(series.counter.next()))
            return;
    }
    tell(series, write(series, end));
}

std::optional<RrdFile::Error> RrdWriter::write(Series& series, Minute end)
{
    std::unique_lock lock(mutex_);
    const Minute next = series.counter.next();
    lock.unlock();
    const auto opened = open(series, next);
    if (const auto* error = std::get_if<RrdFile::Error>(&opened))
        return *error;

    lock.lock();
    if (is_hopeless(next))
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

bool RrdWriter::is_hopeless(Minute next) const
{
    return next > clock_.now() + hopeless;
}

/// Opens the file; one from the far future is replaced by a new one.
std::variant<Minute, RrdFile::Error> RrdWriter::open(const Series& series, Minute next) const
{
    auto opened = series.file.open(next);
    const auto* first = std::get_if<Minute>(&opened);
    if (!first || !is_hopeless(*first))
        return opened;
    const std::string aside = fmt::format("{}.ahead.{}", series.file.path(), clock_.now().time_since_epoch().count());
    std::error_code error;
    std::filesystem::rename(series.file.path(), aside, error);
    if (error)
        return fmt::format("{}: last update lies in the future; cannot move it aside: {}", series.file.path(),
                           error.message());
    log::error("{}: last update lies more than a day in the future; moved to {}, a new one begins", series.file.path(),
               aside);
    return series.file.open(std::chrono::floor<std::chrono::minutes>(clock_.now()) - new_file_span);
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
