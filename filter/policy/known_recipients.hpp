// Whom an account has written to, as far as a limit on new recipients must know: exact but for hashes of 64 bits.
// Bounded: when the newer half is full, the older one is forgotten; who is written to again stays.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "proto/event/record.hpp"

namespace smtpauth {

/// Of an address without brackets, in any case.
std::uint64_t recipient_hash(std::string_view recipient);

/// An account may be silent for so long, on holiday, without becoming a stranger to all that it knows.
constexpr event::Milliseconds acquaintance = std::chrono::hours(24 * 90);

class KnownRecipients {
public:
    static constexpr std::size_t max_half = 2048;

    bool contains(std::uint64_t recipient) const;

    /// @return  it was not known.
    bool add(std::uint64_t recipient);

    /// Different ones of a message that are not known; those that are only counted there are taken for new.
    std::uint64_t strangers_in(const event::Record& mail) const;

    /// Takes in a message's.
    /// @return  how many were strangers.
    std::uint64_t learn(const event::Record& mail);

    bool empty() const { return newer().empty() && older().empty(); }
    std::size_t size() const { return newer().size() + older().size(); }
    std::size_t size_bytes() const { return (newer().capacity() + older().capacity()) * sizeof(std::uint64_t); }

    /// Each one; add() of them in this order gives the same again.
    template <class Take>
    void for_each(Take take) const
    {
        for (const auto* half : {&older(), &newer()})
            for (const std::uint64_t recipient : *half)
                take(recipient);
    }

private:
    using Half = std::vector<std::uint64_t>; ///< sorted
    const Half& older() const { return halves_[0]; }
    const Half& newer() const { return halves_[1]; }

    std::array<Half, 2> halves_;
};

} // namespace smtpauth
