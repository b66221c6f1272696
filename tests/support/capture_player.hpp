// Plays a recording of a real MTA to any filter, packet by packet: leaves out what this filter did not ask for, waits
// for the answers that the negotiation promises, and stops where the recorded filter answered something else.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/support/capture.hpp"
#include "tests/support/filter_under_test.hpp"

namespace smtpauth::test {

/// What the recorded MTA offers in the replay. A recording fits only what its own filter had negotiated, so only
/// promises of no reply can be offered beyond that.
enum class Offer {
    as_answered, ///< what the recorded filter took
    all,         ///< all that the MTA had offered, but for what changes the packets themselves
};

/// What the filter should have made of a message, from the recorder's decoding. Field names are those of field().
using ExpectedRecord = std::vector<std::pair<std::string, std::string>>;

struct Replay {
    std::vector<ExpectedRecord> messages; ///< those whose end was reached
    std::size_t packets = 0;              ///< sent
    std::size_t replies = 0;              ///< that came, the negotiation's not counted
};

/// Throws std::runtime_error where a reply is missing, is one too many or is not CONTINUE.
Replay replay(const Capture& capture, FilterUnderTest& filter, Offer offer);

} // namespace smtpauth::test
