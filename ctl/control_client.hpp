// Asks a running daemon through its control socket (docs/formats/control.md).
#pragma once

#include <chrono>
#include <string>

#include "common/control.hpp"

namespace smtpauth {

/// Sends one request and waits for its answer, at most `patience` for each step. A daemon that is not there or says
/// nothing is a refusal "down", with the system's reason.
/// @param path  of the daemon's socket, 107 octets at most. @param request  as control_request() makes it.
ControlResult ask_daemon(const std::string& path, const std::string& request,
                         std::chrono::milliseconds patience = std::chrono::seconds(5));

} // namespace smtpauth
