#include "common/daemon_status.hpp"

#include <unistd.h>

#include <ctime>
#include <string>

#include <fmt/format.h>

#include "common/log.hpp"
#include "version.hpp"

namespace smtpauth {

namespace {

json::array recent_problems()
{
    json::array problems;
    for (const log::Line& line : log::recent_problems())
        problems.push_back({{"time", json_text(utc_text(line.time))},
                            {"level", line.level == log::Level::warning ? "warning" : "error"},
                            {"text", json_text(line.text)}});
    return problems;
}

} // namespace

std::string utc_text(std::chrono::sys_seconds time)
{
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

json::object daemon_status(std::chrono::nanoseconds uptime, const json::object& own)
{
    json::object status{{"version", version}, {"pid", ::getpid()}, {"uptime_s", whole_seconds(uptime)}};
    for (const auto& [name, value] : own)
        status.emplace(name, value);
    status.emplace("problems", recent_problems());
    return status;
}

std::int64_t whole_seconds(std::chrono::nanoseconds duration)
{
    return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

} // namespace smtpauth
