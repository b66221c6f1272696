// The mail that micro benchmarks and the count of instructions work on: what load_session.hpp says to a filter.
#pragma once

#include <string>
#include <vector>

#include "filter/conversation.hpp"
#include "tests/bench/load_session.hpp"

namespace smtpauth::bench {

/// What a filter reads of one connection, a string for each read: until it has to answer.
/// @param filter  a new one; it has the conversation, and answers.
inline std::vector<std::string> sample_conversation(Conversation& filter, int messages, const MessageShape& shape)
{
    constexpr std::uint16_t client_port = 58210;
    LoadSession mta(shape, client_port);
    std::vector<std::string> reads;
    for (int begun = 0; mta.in_message() || begun < messages;) {
        if (mta.ready() && !mta.in_message())
            mta.begin("4Xk2Yz1abc" + std::to_string(begun++), "user-4711@example.com");
        reads.push_back(std::exchange(mta.output(), {}));
        filter.receive(reads.back());
        while (std::holds_alternative<Conversation::Commit>(filter.next()))
            filter.committed();
        mta.receive(std::exchange(filter.output(), {}));
    }
    mta.quit();
    reads.push_back(mta.output());
    return reads;
}

} // namespace smtpauth::bench
