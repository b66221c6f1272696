// What this filter asks an MTA for: as little as it needs, because most of a message's cost is in packets and replies.
#pragma once

#include <memory>

#include "filter/config.hpp"
#include "proto/milter/negotiation.hpp"

namespace smtpauth {

/// What one connection is needed for besides.
struct Needs {
    bool counts_size = false;        ///< headers and body are wanted, unanswered
    bool answers_recipients = false; ///< a rule may refuse single ones: the MTA waits for an answer to each
};

/// The same object at each call.
const milter::Wish& wish(const Needs& needs);

/// How one listener's MTA tells the size of a message. It cannot be known at negotiation whether an MTA gives
/// {msg_size} (both offer the same), so under "auto" connections count until an end of message brought it; those that
/// come later leave headers and body out. One per listener, shared by its connections, loop's thread.
class SizeSource {
public:
    explicit SizeSource(MessageSize setting) : setting_(setting) {}

    /// For a connection that negotiates now.
    bool must_count() const
    {
        return setting_ == MessageSize::count || (setting_ == MessageSize::auto_ && !macro_seen_);
    }

    /// {msg_size} may be used.
    bool reads_macro() const { return setting_ == MessageSize::auto_ || setting_ == MessageSize::macro; }

    /// An end of message came with or without {msg_size}: the MTA may have been exchanged for another.
    void learn(bool macro_seen) { macro_seen_ = macro_seen; }

private:
    MessageSize setting_;
    bool macro_seen_ = false;
};

} // namespace smtpauth
