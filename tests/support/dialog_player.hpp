// Plays a dialog in the MTA's role to any filter, and checks what it answers and records. Keeps to what was negotiated
// as a real MTA does: macros are always sent, commands that the filter declined are not, and every reply that is due
// must come; one that the dialog does not mention must be CONTINUE.
#pragma once

#include "tests/support/dialog.hpp"
#include "tests/support/filter_under_test.hpp"

namespace smtpauth::test {

/// True if the dialog can be played to a filter whose inside and settings are out of reach: its only setting is
/// reject_ids, and nothing happens outside of the conversation.
bool needs_no_inside(const Dialog& dialog);

/// Throws DialogError where the filter does not do what the dialog says.
void play(const Dialog& dialog, FilterUnderTest& filter);

} // namespace smtpauth::test
