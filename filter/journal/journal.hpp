// The seam between a decision and its reply: a record is kept before the MTA is answered. How, and how soon it is safe,
// only an implementation knows (disk_journal.hpp).
#pragma once

#include "proto/event/record.hpp"

namespace smtpauth {

/// What became of a record.
enum class Kept {
    yes,  ///< as safe as it was asked to be
    lost, ///< it could not be kept; it is counted, and the mail goes on (on_journal_full = "pass")
    no,   ///< it could not be kept: the MTA has to try again (on_journal_full = "tempfail")
};

/// Whoever holds a reply back until its record is safe.
class CommitWaiter {
public:
    virtual void committed(Kept kept) = 0;

protected:
    ~CommitWaiter() = default;
};

class Journal {
public:
    virtual ~Journal() = default;

    /// Takes the next sequence number and keeps the record. On the loop's thread; never waits for the disk.
    /// @param waiter  its committed() is called once, later, on the loop's thread; it must live until then, or until
    ///                withdraw(). Null: nobody waits.
    /// @return  the record is as safe as it was asked to be already: the waiter is not called.
    virtual bool append(const event::Record& record, CommitWaiter* waiter) = 0;

    /// Number of the last record that was appended.
    virtual std::uint64_t last() const = 0;

    /// The waiter waits no more: its message was answered "try again" instead. It must be waiting.
    /// @param mail  its record.
    virtual void withdraw(CommitWaiter& waiter, const event::Record& mail) = 0;

    /// Tells those who wait what became of their records, where that is known: now, rather than when the loop comes to
    /// it. Costs next to nothing. Loop's thread.
    virtual void poll() {}

    /// There is no more to append for the moment: what was appended may go to the disk now, rather than when the loop
    /// comes to it. Loop's thread.
    virtual void flush() {}
};

} // namespace smtpauth
