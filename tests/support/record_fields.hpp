// The fields of a record as text, for expectations in dialogs and captures.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/event/record.hpp"

namespace smtpauth::test {

/// The field's value; "-" where it is unknown or empty, times as milliseconds since 1970. Nothing: there is no such
/// field.
std::optional<std::string> field(const event::Record& record, std::string_view name);

} // namespace smtpauth::test
