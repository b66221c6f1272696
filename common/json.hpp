// The one way to JSON: Boost.JSON, whose own sources common/json.cpp compiles once.
#pragma once

#include <optional>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace smtpauth {

namespace json = boost::json;

/// Text from anywhere as a JSON string: octets that are no UTF-8, for which JSON has no place, become \xHH. Control
/// bytes stay; JSON escapes them when it is written.
json::string json_text(std::string_view text);

/// Nothing where the text is no JSON.
std::optional<json::value> parse_json(std::string_view text);

} // namespace smtpauth
