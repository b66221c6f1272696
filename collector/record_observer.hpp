// Who else wants to see the records that the logs get: in their order, each once, those too that were logged before
// this process began.
#pragma once

#include "proto/event/record.hpp"
#include "proto/event/record_id.hpp"

namespace smtpauth {

class RecordObserver {
public:
    RecordObserver() = default;
    RecordObserver(const RecordObserver&) = delete;
    RecordObserver& operator=(const RecordObserver&) = delete;
    virtual ~RecordObserver() = default;

    /// At the start: is a line that stands in a log to be read for replay()? Asked of the stats log's lines first, then
    /// of those of the rejects log, each from the oldest on.
    /// @param passed  of the stats log.
    /// @param time    of the line, in whole seconds.
    virtual bool wants(const event::RecordId& id, bool passed, event::Time time) const = 0;

    /// A line that was wanted.
    virtual void replay(const event::RecordId& id, const event::Record& record) = 0;

    /// A record that its log gets now. On the logs' thread: must not block. Where writing it fails and the process ends
    /// before it works, it comes again.
    virtual void add(const event::RecordId& id, const event::Record& record) = 0;
};

} // namespace smtpauth
