#include "collector/stats_log/retention.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "collector/stats_log/compress_file.hpp"
#include "collector/stats_log/local_time.hpp"
#include "common/log.hpp"

namespace smtpauth {

namespace {

std::chrono::sys_days local_day(Clock::WallTime time)
{
    return parse_day(local_date(time)).value_or(std::chrono::floor<std::chrono::days>(time));
}

std::string reason()
{
    return std::generic_category().message(errno);
}

} // namespace

Retention::Retention(std::vector<std::string> logs, Settings settings, const Clock& clock, Disk& disk)
    : logs_(std::move(logs)),
      settings_(settings),
      clock_(clock),
      disk_(disk),
      watch_(clock)
{
}

void Retention::look(const Stopped& stopped)
{
    const bool trusted = watch_.look();
    if (!trusted && !std::exchange(told_jump_, true))
        log::warning("clock: jumped; no log is compressed or removed for {} h", JumpWatch::pause.count());
    if (!trusted)
        return;
    told_jump_ = false;
    if (last_pass_ && clock_.steady_now() - *last_pass_ < pass_every)
        return;
    last_pass_ = clock_.steady_now();
    for (const std::string& log : logs_)
        pass(log, stopped);
}

void Retention::pass(const std::string& log, const Stopped& stopped)
{
    if (settings_.keep_days == 0 && settings_.compress_after_days == 0)
        return;
    const std::filesystem::path path(log);
    const std::string directory = path.parent_path().empty() ? "." : path.parent_path();
    const std::string log_name = path.filename();
    std::vector<std::string> names;
    if (disk_.list(directory, names) != 0)
        return tell(directory, fmt::format("{}: cannot list: {}", directory, reason()));
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
        const auto rotated = parse_rotated_name(log_name, name);
        if (rotated && !stopped())
            treat(path.parent_path() / name, *rotated, stopped);
    }
}

void Retention::treat(const std::string& path, const RotatedName& name, const Stopped& stopped)
{
    struct stat status {};
    if (disk_.status(path, status) != 0)
        return tell(path, fmt::format("{}: cannot look at: {}", path, reason()));
    if (!S_ISREG(status.st_mode))
        return;
    // What was compressed has been renamed so many days before.
    const std::chrono::days before(name.compressed ? settings_.compress_after_days : 0);
    const auto changed = local_day(Clock::WallTime(std::chrono::seconds(status.st_ctim.tv_sec)));
    const auto from = std::max(name.day + std::chrono::days(1), changed - before);
    if (is_over(settings_.keep_days, from)) {
        remove(path);
    } else if (!name.compressed && is_over(settings_.compress_after_days, from)) {
        if (const auto error = compress_file(disk_, path, stopped))
            tell(path, *error);
    }
}

bool Retention::is_over(unsigned days, std::chrono::sys_days from) const
{
    return days != 0 && local_day(clock_.now()) - from >= std::chrono::days(days);
}

void Retention::remove(const std::string& path)
{
    if (disk_.remove(path) != 0)
        return tell(path, fmt::format("{}: cannot remove: {}", path, reason()));
    log::info("{}: removed, older than {} days", path, settings_.keep_days);
}

/// Once for each file: what cannot be done in this hour can hardly in the next.
void Retention::tell(const std::string& path, const std::string& error)
{
    if (told_.insert(path).second)
        log::error("{}", error);
}

} // namespace smtpauth
