// The seam between a decision and its reply: a record is kept before the MTA is answered. Whether in memory
// (memory_journal.hpp) or on a disk, and how soon that is safe, only an implementation knows.
#pragma once

#include "proto/event/record.hpp"

namespace smtpauth {

/// Whoever holds a reply back until its record is safe.
class CommitWaiter {
public:
    virtual void committed() = 0;

protected:
    ~CommitWaiter() = default;
};

class Journal {
public:
    virtual ~Journal() = default;

    /// Takes the next sequence number and keeps the record. On the loop's thread; never blocks.
    /// @return  true: it is as safe as asked, reply now. False: waiter.committed() will be called once, later, on
    ///          the loop's thread; the waiter must live until then.
    virtual bool append(const event::Record& record, CommitWaiter& waiter) = 0;
};

} // namespace smtpauth
