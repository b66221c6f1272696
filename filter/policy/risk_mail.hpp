// A message as the risk budget sees it: numbers in the place of names, so that an account's habits fit into little
// memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/event/record.hpp"

namespace smtpauth {

struct RiskMail {
    event::Time time{};
    std::uint32_t network = 0;  ///< /24, or /64 of IPv6
    std::uint32_t provider = 0; ///< the ASN; where it is unknown, the /16, or the /32 of IPv6
    std::uint16_t country = 0;  ///< its two letters, 0 where it is unknown
    std::uint32_t sender = 0;
    std::vector<std::uint64_t> recipients; ///< hashes of those listed
    std::uint32_t unlisted = 0;            ///< recipients of which the record knows only how many

    /// Makes this that of a record; keeps its memory for the next one.
    void assign(const event::Record& record);

private:
    std::string lower_case_;
};

/// As in records: "JP", "" for 0.
std::string country_text(std::uint16_t country);

} // namespace smtpauth
