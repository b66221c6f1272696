// What a process has used, as the kernel tells it.
#pragma once

#include <cstdint>
#include <optional>

namespace smtpauth::bench {

struct Usage {
    double cpu_us = 0;             ///< of all its threads, in user and system mode
    std::int64_t resident_kib = 0; ///< RSS
};

/// Nothing where there is no such process.
std::optional<Usage> usage_of(int pid);

} // namespace smtpauth::bench
