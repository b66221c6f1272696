// A running filter, reached by its milter socket as an MTA would: blocking sockets, each wait bounded.
#pragma once

#include <chrono>
#include <memory>

#include "common/socket_spec.hpp"
#include "tests/support/filter_under_test.hpp"

namespace smtpauth::test {

class SocketFilter final : public FilterUnderTest {
public:
    /// @param patience  for connecting, each write and each reply.
    SocketFilter(SocketSpec spec, std::chrono::milliseconds patience) : spec_(std::move(spec)), patience_(patience) {}

    /// Throws std::runtime_error.
    std::unique_ptr<Connection> connect() override;

private:
    SocketSpec spec_;
    std::chrono::milliseconds patience_;
};

} // namespace smtpauth::test
