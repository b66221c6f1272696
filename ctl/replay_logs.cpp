#include "ctl/replay_logs.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "collector/stats_log/rotated_name.hpp"
#include "ctl/replay_line.hpp"

namespace smtpauth {

ReplayLogs::ReplayLogs(Disk& disk, const std::vector<std::string>& paths)
{
    for (const std::string& path : paths) {
        const LogFile file{.path = path, .compressed = path.ends_with(compressed_suffix)};
        sources_.push_back(std::make_unique<Source>(disk, file));
        if (advance(*sources_.back()))
            push(sources_.size() - 1);
    }
}

event::Record* ReplayLogs::next()
{
    if (handed_out_ && advance(*sources_[*handed_out_]))
        push(*handed_out_);
    handed_out_.reset();
    if (heap_.empty())
        return nullptr;
    std::pop_heap(heap_.begin(), heap_.end(), [this](std::size_t a, std::size_t b) { return is_later(a, b); });
    handed_out_ = heap_.back();
    heap_.pop_back();
    return &sources_[*handed_out_]->record;
}

void ReplayLogs::push(std::size_t source)
{
    heap_.push_back(source);
    std::push_heap(heap_.begin(), heap_.end(), [this](std::size_t a, std::size_t b) { return is_later(a, b); });
}

/// Of equal times, that of the file that was named first comes first.
bool ReplayLogs::is_later(std::size_t a, std::size_t b) const
{
    const auto time_a = sources_[a]->record.eom_time;
    const auto time_b = sources_[b]->record.eom_time;
    return time_a != time_b ? time_a > time_b : a > b;
}

/// @return  false at the end.
bool ReplayLogs::advance(Source& source)
{
    while (const auto line = source.reader.next()) {
        ++source.line;
        ++lines_;
        const std::string error = read_replay_line(*line, source.record);
        if (error.empty())
            return true;
        if (bad_lines_++ == 0)
            first_bad_line_ = fmt::format("{}:{}: {}", source.path, source.line, error);
    }
    if (!source.reader.error().empty())
        errors_.push_back(source.reader.error());
    return false;
}

} // namespace smtpauth
