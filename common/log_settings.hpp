// The table [log] of the configuration, which both daemons share.
#pragma once

#include <string>

#include "common/config.hpp"
#include "common/log.hpp"

namespace smtpauth {

/// @param program  the name that stands before each line.
log::Settings read_log_settings(ConfigFile& file, std::string program);

} // namespace smtpauth
