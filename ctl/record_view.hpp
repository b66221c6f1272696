// A record of the logs as people and programs see it.
#pragma once

#include <string>
#include <string_view>

#include "collector/stats_log/line_reader.hpp"
#include "common/json.hpp"

namespace smtpauth {

/// What became of it: "accepted", "warned", "held", "rejected", "deferred", "discarded", "given up",
/// "blocked", "not blocked" (there were too many in an hour), "unblocked", "lost".
std::string_view fate_of(const event::Record& record);

/// "at MAIL", "at RCPT", "at end of message".
std::string_view stage_text(event::Stage stage);

/// "192.0.2.7 JP", "-" where nothing is known; harmless on a terminal.
std::string client_text(const event::Record& record);

/// One line without its end: time, fate, account, client, sender and recipients, queue id, rule and reason.
/// @param colours  as terminals know them.
std::string to_line(const event::Record& record, bool colours);

/// The labels of the log line; times are RFC 3339 in UTC, "time" is eom_time with its milliseconds, "recipients" a
/// list, "action" always there ("accept").
json::object to_json(const LoggedRecord& logged);

} // namespace smtpauth
