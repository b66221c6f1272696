// One RRD file: columns that are counted by the minute, kept for a day, a week, a month, a year and three
// years. The only place that knows librrd. Blocks on the disk: for the writer's thread.
//
// Every update is at a multiple of 60 s, for the minute before it: off the boundary librrd would spread the
// counts over two minutes.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "collector/rrd/minute_counter.hpp"

namespace smtpauth {

class RrdFile {
public:
    /// What failed: the path and librrd's reason.
    using Error = std::string;

    /// @param columns  names of the data sources: the first of TrafficCounts, in that order; at most 4.
    RrdFile(std::string path, std::vector<std::string> columns) : path_(std::move(path)), columns_(std::move(columns))
    {
    }

    const std::string& path() const { return path_; }

    /// The first minute that is not written yet. Makes the file where it is missing, as if all before `first` were
    /// written. A file with other columns is an error.
    std::variant<Minute, Error> open(Minute first) const;

    /// Writes the rows, which follow each other minute by minute, in one call. A gap before the first stays unknown.
    std::optional<Error> update(const std::vector<MinuteRow>& rows) const;

    /// Makes the file anew as if `end` were the first minute that is not written: a clock that was put back needs those
    /// minutes again. All before `end` stays as it is.
    /// @param keep_as  the old file's new name; "" where nobody will miss what is taken back.
    /// @return  the minutes that were taken back, as far as the file has each by itself: of two days at most.
    std::variant<std::vector<MinuteRow>, Error> take_back(Minute end, const std::string& keep_as) const;

private:
    std::optional<Error> create(Minute first, const char* source) const;
    std::vector<MinuteRow> read(Minute begin, Minute end) const;
    Error failure(const char* what) const;

    std::string path_;
    std::vector<std::string> columns_;
};

} // namespace smtpauth
