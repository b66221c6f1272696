// How safe a record is before its sender may forget it: setting durability of both daemons.
#pragma once

#include "common/config.hpp"

namespace smtpauth {

enum class Durability {
    process, ///< written: survives the end of the process
    group,   ///< synced to the disk, many records at once: survives a power cut
    always,  ///< synced one by one
};

inline Durability read_durability(ConfigTable& table, Durability fallback)
{
    return table.choice<Durability>(
        "durability", fallback,
        {{"process", Durability::process}, {"group", Durability::group}, {"always", Durability::always}});
}

} // namespace smtpauth
