// A Record as bytes, and back. Knows neither frames (frame.hpp) nor logs.
//
// A record is a row of fields (tlv.hpp). Fields that have their default are left out; the tags stand in
// codec.cpp and docs/formats/stream.md. A tag keeps its meaning for ever.
#pragma once

#include <string>
#include <variant>

#include "proto/event/record.hpp"
#include "proto/event/tlv.hpp"

namespace smtpauth::event {

/// What could not be read: where, what was found, what was expected.
struct Malformed {
    std::string error;
};

/// Appends. Text must not contain a NUL and times must lie between 1970 and 9999: decode() refuses others.
void encode(const Record& record, std::string& out);

/// Unknown tags are skipped, missing ones have their default, of a tag that occurs twice the last counts
/// (recipients apart). Takes memory in proportion to `bytes`, whatever lengths they claim.
std::variant<Record, Malformed> decode(Bytes bytes);

} // namespace smtpauth::event
