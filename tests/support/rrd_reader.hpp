// What stands in an RRD file, read by librrd itself.
#pragma once

#include <rrd.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>

#include "collector/rrd/minute_counter.hpp"

namespace smtpauth::test {

/// A column's known minutes, as counts: rate times 60.
inline std::map<Minute, double> read_rrd(const std::string& path, const std::string& column, Minute begin, Minute end)
{
    std::time_t start = std::chrono::sys_seconds(begin).time_since_epoch().count();
    std::time_t stop = std::chrono::sys_seconds(end).time_since_epoch().count();
    unsigned long step = 60;
    unsigned long columns = 0;
    char** names = nullptr;
    rrd_value_t* values = nullptr;
    rrd_clear_error();
    if (rrd_fetch_r(path.c_str(), "AVERAGE", &start, &stop, &step, &columns, &names, &values) != 0)
        throw std::runtime_error(rrd_get_error());
    if (step != 60)
        throw std::runtime_error("step " + std::to_string(step));

    std::map<Minute, double> minutes;
    for (unsigned long at = 0; at < columns; ++at) {
        const double* value = values + at;
        // A row's time is its end.
        for (std::time_t row = start + 60; names[at] == column && row <= stop; row += 60, value += columns) {
            const auto minute =
                std::chrono::floor<std::chrono::minutes>(std::chrono::sys_seconds(std::chrono::seconds(row))) -
                std::chrono::minutes(1);
            if (*value == *value)
                minutes[minute] = *value * 60;
        }
        std::free(names[at]);
    }
    std::free(names);
    std::free(values);
    return minutes;
}

inline double sum_of_rrd(const std::string& path, const std::string& column, Minute begin, Minute end)
{
    double sum = 0;
    for (const auto& [minute, count] : read_rrd(path, column, begin, end))
        sum += count;
    return sum;
}

} // namespace smtpauth::test
