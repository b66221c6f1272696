// What became of all tries: counted, timed, and written down one by one where that is wanted.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/load_session.hpp"

namespace smtpauth::bench {

struct Try {
    std::string queue_id;
    Outcome outcome;
    bool at_end_of_message;
    bool paused;                                     ///< of a session that pauses between two messages
    std::chrono::duration<double, std::milli> took;  ///< the answer that ended it
    std::chrono::duration<double, std::milli> whole; ///< all of its conversation, from MAIL
};

class Tally {
public:
    /// @param answers  file for a line of each try, "": none. Throws std::system_error if it cannot be made.
    explicit Tally(const std::string& answers);

    void add(const Try& ended);

    std::uint64_t tries() const;
    std::uint64_t count(Outcome outcome) const { return counts_[static_cast<std::size_t>(outcome)]; }

    /// Milliseconds that so great a part of the answers at end of message took at most; 0 without any.
    double end_of_message_ms(double part) const { return quantile(answer_times_, part); }

    /// The same of these messages' whole conversations.
    double conversation_ms(double part) const { return quantile(conversation_times_, part); }

    /// False where a line could not be written.
    bool flush();

private:
    static constexpr std::size_t outcomes = 5;

    static double quantile(std::vector<float>& times, double part);

    std::array<std::uint64_t, outcomes> counts_{};
    // Ordered as the last question left them.
    mutable std::vector<float> answer_times_;
    mutable std::vector<float> conversation_times_;
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> answers_;
};

/// As it stands in the answers file: "continue".
const char* name_of(Outcome outcome);

} // namespace smtpauth::bench
