// Another time zone for the length of a test.
#pragma once

#include <cstdlib>
#include <ctime>
#include <string>

namespace smtpauth::test {

class TimeZone {
public:
    /// @param name  as in TZ; POSIX forms such as "JST-9" need no zone files.
    explicit TimeZone(const char* name)
    {
        const char* const before = std::getenv("TZ");
        had_one_ = before != nullptr;
        if (had_one_)
            before_ = before;
        ::setenv("TZ", name, 1);
        ::tzset();
    }
    TimeZone(const TimeZone&) = delete;
    TimeZone& operator=(const TimeZone&) = delete;
    ~TimeZone()
    {
        if (had_one_)
            ::setenv("TZ", before_.c_str(), 1);
        else
            ::unsetenv("TZ");
        ::tzset();
    }

private:
    bool had_one_ = false;
    std::string before_;
};

} // namespace smtpauth::test
