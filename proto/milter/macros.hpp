// The MTA's macros ({auth_authen}, i, ...) and how long each lives. Source: docs/formats/milter.md, "Macros"; unlike
// libmilter, an empty or missing set means "none now", so that no message inherits another one's account.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "proto/milter/constants.hpp"
#include "proto/milter/wire.hpp"

namespace smtpauth::milter {

class MacroTable {
public:
    /// A macro packet came: replaces the set of its stage. Sets of other commands than C H M R T N E are dropped.
    /// @param pairs  name, value, name, value, ..., each ending in NUL (Macros::pairs).
    void set(char stage, Bytes pairs);

    /// A stage's command came: its set is the one sent since the last such command, or none; all later stages' sets
    /// are forgotten.
    void begin(Command stage);

    /// The message is over: forgets MAIL and later.
    void end_message();

    /// The SMTP session is over.
    void clear();

    /// The value, from the latest stage that has the macro; nothing where none has.
    /// @param name  with or without braces: "i" is "{i}", "auth_authen" is "{auth_authen}".
    /// The view points into this table, until it is next changed.
    std::optional<std::string_view> find(std::string_view name) const;

    /// Octets held by all sets: what a limit is put on.
    std::size_t size_bytes() const { return pairs_.size(); }

private:
    struct Set {
        std::size_t size = 0; ///< octets of its pairs
        bool fresh = false;   ///< sent since its command last came
    };
    /// In the order of the protocol: C H M R T N E.
    std::array<Set, 7> sets_;
    std::string pairs_; ///< of all sets, in that order: connections idle by the thousand

    std::size_t begin_of(std::size_t set) const;
    void replace(std::size_t set, Bytes pairs);
    void forget_from(std::size_t first);
};

} // namespace smtpauth::milter
