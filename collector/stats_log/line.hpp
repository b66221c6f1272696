// A record as a line of the stats log or the rejects log; line_reader.hpp is the way back. Which of the two
// files a line belongs to is event::passed(record). docs/formats/stats-log.md describes every label.
#pragma once

#include <string>

#include "collector/config.hpp"
#include "proto/event/record.hpp"
#include "proto/event/record_id.hpp"

namespace smtpauth {

/// Appends the line, with its line feed.
void append_line(std::string& out, const event::Record& record, const event::RecordId& id, LogRecipients recipients);

} // namespace smtpauth
