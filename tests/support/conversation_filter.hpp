// A filter in this process: Conversations and a list of what they recorded, no socket, a clock that stands still.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "tests/support/filter_under_test.hpp"
#include "tests/support/test_site.hpp"

namespace smtpauth::test {

class ConversationFilter final : public FilterUnderTest {
public:
    /// @param piece  octets that arrive at once; 0: all that was sent.
    explicit ConversationFilter(FilterConfig config = {}, std::size_t piece = 0)
        : site_(std::move(config)),
          piece_(piece)
    {
    }

    std::unique_ptr<Connection> connect() override;
    bool is_open() const override { return true; }
    std::optional<event::Record> take_record() override;
    void list(const std::string& id) override { site_.list(id); }
    void unlist(const std::string& id) override { site_.unlist(id); }
    void advance(std::chrono::milliseconds by) override { site_.clock().advance(by); }

    TestSite& site() { return site_; }

private:
    class InProcess;

    TestSite site_;
    std::size_t piece_;
    std::deque<event::Record> records_;
};

} // namespace smtpauth::test
