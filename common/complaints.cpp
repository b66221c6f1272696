#include "common/complaints.hpp"

#include <fmt/format.h>

#include "common/log.hpp"

namespace smtpauth {

bool Complaints::due(Clock::SteadyTime now)
{
    if (count_++ == 0 || now - began_ >= interval) {
        began_ = now;
        logged_ = 0;
    }
    return logged_++ < lines_;
}

std::string Complaints::with_count(std::string_view problem) const
{
    return count_ > lines_ ? fmt::format("{} ({} such complaints so far)", problem, count_) : std::string(problem);
}

void Complaints::error(Clock::SteadyTime now, std::string_view problem)
{
    if (due(now))
        log::error("{}", with_count(problem));
}

void Complaints::warning(Clock::SteadyTime now, std::string_view problem)
{
    if (due(now))
        log::warning("{}", with_count(problem));
}

} // namespace smtpauth
