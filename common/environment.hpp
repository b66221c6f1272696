// What whoever started this process left in its environment for it alone.
#pragma once

#include <cstdlib>
#include <string>

namespace smtpauth {

/// The value, "" where there is none; and the variable is gone, so that no child takes it for its own. Not while there
/// are other threads: the environment has no lock.
inline std::string take_variable(const char* name)
{
    const char* const value = std::getenv(name);
    std::string text = value != nullptr ? value : "";
    ::unsetenv(name);
    return text;
}

} // namespace smtpauth
