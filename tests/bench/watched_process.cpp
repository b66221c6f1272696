#include "tests/bench/watched_process.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace smtpauth::bench {

namespace {

/// Fields of /proc/PID/stat from the state on, the third: the name before it may hold anything. Source: proc(5).
constexpr int fields_before_utime = 11;
constexpr int fields_between_stime_and_rss = 8;

} // namespace

std::optional<Usage> usage_of(int pid)
{
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    if (!std::getline(file, line))
        return std::nullopt;
    std::istringstream fields(line.substr(line.rfind(')') + 1));
    std::string ignored;
    double user = 0;
    double system = 0;
    std::int64_t pages = 0;
    for (int at = 0; at < fields_before_utime; ++at)
        fields >> ignored;
    fields >> user >> system;
    for (int at = 0; at < fields_between_stime_and_rss; ++at)
        fields >> ignored;
    fields >> pages;
    if (!fields)
        return std::nullopt;
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    return Usage{(user + system) * 1e6 / ticks, pages * ::sysconf(_SC_PAGESIZE) / 1024};
}

} // namespace smtpauth::bench
