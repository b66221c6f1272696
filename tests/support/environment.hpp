// A variable of the environment for the length of a test.
#pragma once

#include <cstdlib>
#include <string>

namespace smtpauth::test {

class Variable {
public:
    Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    ~Variable() { ::unsetenv(name_); }

private:
    const char* name_;
};

} // namespace smtpauth::test
