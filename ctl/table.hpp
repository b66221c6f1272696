// A daemon's answer as lines for people. Knows no figure by name: what a daemon adds to its answer is shown without a
// change here. The end of a name gives the unit: "_s" seconds, "_bytes" octets.
#pragma once

#include <string>
#include <string_view>

#include "common/json.hpp"

namespace smtpauth {

/// Each value on a line of its own, "  name   value"; an object within as "name value, name value".
std::string to_table(const json::object& object);

/// Text from outside without what a terminal would obey: control bytes of either set come out as \xHH.
std::string printable(std::string_view text);

} // namespace smtpauth
