// What plays a conversation needs of a filter, wherever that runs: connections, and the records where they can be
// seen. Implemented in-process (conversation_filter.hpp) and over a socket (tests/tools/socket_filter.hpp).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/event/record.hpp"

namespace smtpauth::test {

/// One MTA connection, the MTA's end.
class Connection {
public:
    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    virtual ~Connection() = default;

    virtual void send(std::string_view bytes) = 0;

    /// What the filter sent since; "" once it has closed the connection and everything was read. Waits for either as
    /// long as is reasonable; nothing: it did not come.
    virtual std::optional<std::string> receive() = 0;

    /// Why the filter closed the connection; "" where that cannot be known.
    virtual std::string close_reason() const { return {}; }
};

class FilterUnderTest {
public:
    FilterUnderTest() = default;
    FilterUnderTest(const FilterUnderTest&) = delete;
    FilterUnderTest& operator=(const FilterUnderTest&) = delete;
    virtual ~FilterUnderTest() = default;

    virtual std::unique_ptr<Connection> connect() = 0;

    /// False: nobody can look inside, so records cannot be checked and nothing can be changed in mid-dialog.
    virtual bool is_open() const { return false; }

    /// The next record that the filter emitted.
    virtual std::optional<event::Record> take_record() { return std::nullopt; }

    // What can happen around an open filter.
    virtual void list(const std::string& /*id*/) {}
    virtual void unlist(const std::string& /*id*/) {}
    virtual void advance(std::chrono::milliseconds /*by*/) {}
};

} // namespace smtpauth::test
