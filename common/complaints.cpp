#include "common/complaints.hpp"

#include <fmt/format.h>

#include "common/log.hpp"

namespace smtpauth {

bool Complaints::due(Clock::SteadyTime now)
{
    if (count_++ > 0 && now - logged_ < interval)
        return false;
    logged_ = now;
    return true;
}

void Complaints::error(Clock::SteadyTime now, std::string_view problem)
{
    if (due(now))
        log::error("{}{}", problem, count_ > 1 ? fmt::format(" ({} such complaints so far)", count_) : "");
}

} // namespace smtpauth
