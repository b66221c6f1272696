// What is said of records that a disk has lost, and the record that takes their place in the journal and in the logs.
#pragma once

#include <string>

#include "proto/journal/frame.hpp"

namespace smtpauth {

/// Octets that the shortest frame of a LOSS record needs; a frame of a message is never shorter.
inline constexpr std::size_t smallest_damage_frame = journal::header_size + 35;

/// For the log: file, offset, which records.
std::string text_of(const journal::Damage& damage, const std::string& path);

/// One frame that fills the damaged octets exactly, with the number of the last lost record: of a LOSS record that
/// counts the lost ones, or of a VOID record, which says nothing, where they had never been safe.
/// @param damage  of smallest_damage_frame octets at least.
std::string frame_for_damage(const std::string& path, std::uint64_t journal, const journal::Damage& damage,
                             std::uint64_t synced);

} // namespace smtpauth
