// Several filters on one machine, told apart by --instance NAME: each takes [filter], and over it what
// [filter.instances.NAME] says. Reads the configuration and no other file.
#pragma once

#include <map>
#include <string>

#include "common/config.hpp"
#include "filter/config.hpp"

namespace smtpauth {

/// "smtpauth-filter", or "smtpauth-filter@NAME" as systemd calls such a unit: in logs, and to the collector.
std::string filter_name(const std::string& instance);

/// The settings of each instance. A mistake is noted in the configuration: a name that cannot be part of a path, an
/// instance without a `listen` of its own, two filters that share a socket or a directory.
/// @param filter  the table [filter].
/// @param base  what [filter] itself says; it is a filter like the others.
std::map<std::string, FilterConfig> read_instances(ConfigTable filter, const FilterConfig& base);

} // namespace smtpauth
