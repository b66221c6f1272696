#include "collector/rrd/rrd_file.hpp"

#include <rrd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <span>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace smtpauth {

namespace {

using namespace std::chrono_literals;

constexpr unsigned long step_seconds = 60;

/// A minute that got no update for so long is unknown: we write zeros for those without traffic.
constexpr int heartbeat_seconds = 120;

struct Archive {
    int minutes; ///< that one row sums up
    int rows;
};

/// A little more than the name says, so that a graph of the span is full at both ends.
constexpr std::array<Archive, 5> archives{{
    {1, 2 * 24 * 60},   // day, by the minute: 2 days
    {5, 8 * 24 * 12},   // week: 8 days
    {30, 32 * 24 * 2},  // month: 32 days
    {120, 372 * 12},    // year: 372 days
    {360, 3 * 372 * 4}, // three years: 1,116 days
}};

/// What the first archive spans.
constexpr std::chrono::minutes finest_span(archives[0].rows);

constexpr std::array<const char*, 3> functions{"AVERAGE", "MAX", "LAST"};

/// librrd takes its arguments like a command line.
std::vector<const char*> pointers(const std::vector<std::string>& arguments)
{
    std::vector<const char*> result;
    result.reserve(arguments.size());
    for (const std::string& argument : arguments)
        result.push_back(argument.c_str());
    return result;
}

std::time_t seconds(Minute minute)
{
    return std::chrono::sys_seconds(minute).time_since_epoch().count();
}

Minute minute_at(std::time_t time)
{
    return std::chrono::floor<std::chrono::minutes>(std::chrono::sys_seconds(std::chrono::seconds(time)));
}

/// An update without values: the span before it is unknown.
std::string unknown_until(Minute end, std::size_t columns)
{
    auto update = std::to_string(seconds(end));
    for (std::size_t column = 0; column < columns; ++column)
        update += ":U";
    return update;
}

/// What rrd_lastupdate_r() gives, freed.
struct LastUpdate {
    std::time_t time = 0;
    std::vector<std::string> columns;
    bool known = false;

    explicit LastUpdate(const std::string& path)
    {
        unsigned long count = 0;
        char** names = nullptr;
        char** values = nullptr;
        known = rrd_lastupdate_r(path.c_str(), &time, &count, &names, &values) == 0;
        for (unsigned long at = 0; known && at < count; ++at) {
            columns.emplace_back(names[at]);
            std::free(names[at]);
            std::free(values[at]);
        }
        if (known) {
            std::free(names);
            std::free(values);
        }
    }
};

} // namespace

std::variant<Minute, RrdFile::Error> RrdFile::open(Minute first) const
{
    if (::access(path_.c_str(), F_OK) != 0) {
        if (auto error = create(first, nullptr))
            return *error;
        return first;
    }
    rrd_clear_error();
    const LastUpdate last(path_);
    if (!last.known)
        return failure("cannot read");
    if (last.columns != columns_)
        return fmt::format("{}: data sources {}, expected {}", path_, fmt::join(last.columns, " "),
                           fmt::join(columns_, " "));
    return std::chrono::ceil<std::chrono::minutes>(std::chrono::sys_seconds(std::chrono::seconds(last.time)));
}

/// @param source  the file that gives what lies before `first`, perhaps this one; none where the file is new.
std::optional<RrdFile::Error> RrdFile::create(Minute first, const char* source) const
{
    std::vector<std::string> arguments;
    for (const std::string& column : columns_)
        arguments.push_back(fmt::format("DS:{}:ABSOLUTE:{}:0:U", column, heartbeat_seconds));
    for (const Archive& archive : archives) {
        for (const char* function : functions)
            arguments.push_back(fmt::format("RRA:{}:0.5:{}:{}", function, archive.minutes, archive.rows));
    }
    auto argv = pointers(arguments);
    std::array<const char*, 2> sources{source, nullptr};
    const int keep_existing = source ? 0 : 1;
    rrd_clear_error();
    if (rrd_create_r2(path_.c_str(), step_seconds, seconds(first), keep_existing, source ? sources.data() : nullptr,
                      nullptr, static_cast<int>(argv.size()), argv.data()) != 0)
        return failure("cannot make");
    return std::nullopt;
}

std::variant<std::vector<MinuteRow>, RrdFile::Error> RrdFile::take_back(Minute end, const std::string& keep_as) const
{
    const auto next = open(end);
    if (const auto* error = std::get_if<Error>(&next))
        return *error;
    auto rows = read(end, std::get<Minute>(next));
    // A file's second name is all that a crash may leave: it is never without the first.
    if (!keep_as.empty() && ::link(path_.c_str(), keep_as.c_str()) != 0)
        return fmt::format("{}: cannot keep as {}: {}", path_, keep_as, std::generic_category().message(errno));
    if (auto error = create(end, path_.c_str()))
        return *error;
    return rows;
}

/// The minutes that have a row of their own and are known.
std::vector<MinuteRow> RrdFile::read(Minute begin, Minute end) const
{
    std::vector<MinuteRow> rows;
    std::time_t first = seconds(std::max(begin, end - finest_span));
    std::time_t last = seconds(end);
    unsigned long step = step_seconds;
    unsigned long columns = 0;
    char** names = nullptr;
    rrd_value_t* values = nullptr;
    rrd_clear_error();
    if (rrd_fetch_r(path_.c_str(), functions[0], &first, &last, &step, &columns, &names, &values) != 0)
        return rows;
    const rrd_value_t* value = values;
    // A row's time is its end, and librrd may give more than was asked for.
    for (Minute minute = minute_at(first); step == step_seconds && minute < minute_at(last); minute += 1min) {
        MinuteRow row{minute, {}, 0};
        for (std::size_t column = 0; column < columns_.size() && !std::isnan(value[column]); ++column)
            row.counts[column] = static_cast<std::uint64_t>(std::lround(value[column] * step_seconds));
        row.records = row.counts == TrafficCounts{} ? 0 : 1; // how many there were, the file does not tell
        if (minute >= begin && minute < end)
            rows.push_back(row);
        value += columns;
    }
    for (unsigned long at = 0; at < columns; ++at)
        std::free(names[at]);
    std::free(names);
    std::free(values);
    return rows;
}

std::optional<RrdFile::Error> RrdFile::update(const std::vector<MinuteRow>& rows) const
{
    if (rows.empty())
        return std::nullopt;
    const auto first = open(rows.front().minute);
    if (const auto* error = std::get_if<Error>(&first))
        return *error;

    std::vector<std::string> arguments;
    arguments.reserve(rows.size() + 1);
    if (std::get<Minute>(first) < rows.front().minute)
        arguments.push_back(unknown_until(rows.front().minute, columns_.size()));
    for (const MinuteRow& row : rows) {
        const auto counts = std::span(row.counts).first(columns_.size());
        arguments.push_back(fmt::format("{}:{}", seconds(row.minute + 1min), fmt::join(counts, ":")));
    }
    auto argv = pointers(arguments);
    rrd_clear_error();
    if (rrd_update_r(path_.c_str(), nullptr, static_cast<int>(argv.size()), argv.data()) != 0)
        return failure("cannot update");
    return std::nullopt;
}

RrdFile::Error RrdFile::failure(const char* what) const
{
    const char* const reason = rrd_get_error();
    return fmt::format("{}: {}: {}", path_, what, reason ? reason : "no reason given");
}

} // namespace smtpauth
