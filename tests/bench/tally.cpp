#include "tests/bench/tally.hpp"

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <system_error>

namespace smtpauth::bench {

Tally::Tally(const std::string& answers)
    : answers_(answers.empty() ? nullptr : std::fopen(answers.c_str(), "we"), std::fclose)
{
    if (!answers.empty() && !answers_)
        throw std::system_error(errno, std::generic_category(), answers);
}

void Tally::add(const Try& ended)
{
    ++counts_[static_cast<std::size_t>(ended.outcome)];
    if (ended.at_end_of_message) {
        answer_times_.push_back(static_cast<float>(ended.took.count()));
        conversation_times_.push_back(static_cast<float>(ended.whole.count()));
    }
    if (answers_)
        std::fprintf(answers_.get(), "%s %s %.3f%s\n", ended.queue_id.c_str(), name_of(ended.outcome),
                     ended.took.count(), ended.paused ? " paused" : "");
}

std::uint64_t Tally::tries() const
{
    return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

double Tally::quantile(std::vector<float>& times, double part)
{
    if (times.empty())
        return 0;
    const auto at = static_cast<std::size_t>(part * static_cast<double>(times.size() - 1));
    const auto place = times.begin() + static_cast<std::ptrdiff_t>(at);
    std::nth_element(times.begin(), place, times.end());
    return static_cast<double>(*place);
}

bool Tally::flush()
{
    return !answers_ || (std::fflush(answers_.get()) == 0 && std::ferror(answers_.get()) == 0);
}

const char* name_of(Outcome outcome)
{
    switch (outcome) {
    case Outcome::accept:
        return "accept";
    case Outcome::proceed:
        return "continue";
    case Outcome::reject:
        return "reject";
    case Outcome::tempfail:
        return "tempfail";
    case Outcome::broken:
        return "broken";
    }
    return "?";
}

} // namespace smtpauth::bench
