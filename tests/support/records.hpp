// Records for tests.
#pragma once

#include <chrono>
#include <string>

#include "proto/event/codec.hpp"
#include "proto/event/record.hpp"

namespace smtpauth::test {

/// 2026-03-01 12:34:56.789 UTC
inline constexpr event::Time noon{std::chrono::milliseconds(1772368496789)};

/// An accepted message with every field that one has.
inline event::Record message(std::string queue_id = "4Xk2Yz1abc")
{
    event::Record record;
    record.client_address = "192.0.2.7";
    record.client_port = 58210;
    record.connect_time = noon - std::chrono::milliseconds(2789);
    record.auth_id = "alice";
    record.auth_id_raw = "Alice";
    record.sender = "alice@example.org";
    record.eom_time = noon;
    record.recipients.append("bob@example.net");
    record.recipients.append("carol@example.com");
    record.rcpt_refused = 1;
    record.size_bytes = 4096;
    record.queue_id = std::move(queue_id);
    record.country = "JP";
    record.asn = 64500;
    return record;
}

/// A refusal of MAIL.
inline event::Record refusal(std::string auth_id = "mallory")
{
    event::Record record;
    record.type = event::RecordType::refusal;
    record.action = event::Action::reject;
    record.stage = event::Stage::mail;
    record.client_address = "2001:db8::7";
    record.auth_id = std::move(auth_id);
    record.sender = "";
    record.eom_time = noon;
    record.rule = "reject_ids";
    record.reason = "550 5.7.1 Access denied";
    return record;
}

/// As the journal and the stream carry it.
inline std::string encoded(const event::Record& record)
{
    std::string bytes;
    encode(record, bytes);
    return bytes;
}

} // namespace smtpauth::test
