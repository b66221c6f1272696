// The tables [limits.NAME], [accounts."ID"] and [domains."NAME"] of the configuration.
//
//     [limits.hourly]
//     count = "recipients"
//     limit = 300
//     window = "1h"
//
//     [accounts."forum@example.com"]
//     limits.hourly = 5000
#pragma once

#include <vector>

#include "common/config.hpp"
#include "common/id_list.hpp"
#include "filter/policy/limit_rule.hpp"

namespace smtpauth {

/// What mail is judged by where nothing is configured: generous, and enforced. [limits.default] changes it.
LimitRule default_limit();

/// The limits in force, by name. A mistake is noted in the configuration.
/// @param normalize  as the ids of records are.
std::vector<LimitRule> read_limit_rules(ConfigTable root, const IdNormalizer& normalize);

} // namespace smtpauth
