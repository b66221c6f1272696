// What a conversation with a mail server means for the notice: who is still to get it. Pure.
#pragma once

#include <string>
#include <vector>

#include "collector/alert/outbox.hpp"
#include "collector/alert/smtp_dialogue.hpp"

namespace smtpauth {

/// @param to  whom the dialogue, which is over, was to write to.
Outcome outcome_of(const SmtpDialogue& dialogue, std::vector<std::string> to);

/// Those of the left ones whom the settings still name. Empty `left` is all.
/// @return  empty: there is nobody to write to any longer.
std::vector<std::string> still_wanted(const std::vector<std::string>& left, const std::vector<std::string>& settings);

} // namespace smtpauth
