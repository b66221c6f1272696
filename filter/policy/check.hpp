// One reason to refuse, hold or tempfail mail, as an interface over plain data. Policy does no I/O and has no
// clock: its only time is the record's own, so that smtpauthctl can replay a log through the same code.
#pragma once

#include <string>
#include <string_view>

#include "proto/event/record.hpp"

namespace smtpauth {

/// What a check says. The default is "no objection": ask the next check.
struct Verdict {
    event::Action action = event::Action::accept;
    std::string reply; ///< SMTP reply for reject and tempfail, "550 5.7.1 Access denied"; quarantine reason for hold
    std::string_view rule;       ///< which rule spoke, for the log; lives as long as the check
    std::string finding{};       ///< what it found, with the numbers; "": the reply says all
    event::Milliseconds block{}; ///< for how long the account is to be blocked at first; 0: it is not

    /// For the log: the reply, and what was found, where the administrator's own words do not say it.
    std::string reason() const
    {
        return reply.find(finding) == std::string::npos ? reply + " (" + finding + ")" : reply;
    }

    /// Mail goes on (accept, warn).
    bool passes() const { return action <= event::Action::warn; }
};

/// Judges from the mail as known so far and from what it was built with. Called on the loop; must not throw.
class Check {
public:
    Check() = default;
    Check(const Check&) = delete;
    Check& operator=(const Check&) = delete;
    virtual ~Check() = default;

    /// The envelope sender came: client, identity and sender are known.
    virtual Verdict at_mail(const event::Record& mail) const;

    /// A recipient came; only asked where the MTA waits for an answer.
    virtual Verdict at_recipient(const event::Record& mail, std::string_view recipient) const;

    /// Everything is known.
    virtual Verdict at_end_of_message(const event::Record& mail) const;
};

inline Verdict Check::at_mail(const event::Record& /*mail*/) const
{
    return {};
}

inline Verdict Check::at_recipient(const event::Record& /*mail*/, std::string_view /*recipient*/) const
{
    return {};
}

inline Verdict Check::at_end_of_message(const event::Record& /*mail*/) const
{
    return {};
}

} // namespace smtpauth
