// What all connections of a filter share. Owned by main, changed on the loop's thread only, between two steps: a
// conversation that is under way sees the new configuration at its next decision.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/clock.hpp"
#include "common/ip_address.hpp"
#include "filter/config.hpp"
#include "filter/policy/account_state.hpp"
#include "filter/policy/automatic_blocks.hpp"
#include "filter/policy/check_list.hpp"
#include "filter/policy/refusal_folding.hpp"
#include "filter/policy/reservations.hpp"

namespace smtpauth {

/// Where a client is, as far as the databases know.
struct Place {
    std::string country; ///< ISO 3166-1 alpha-2, "" unknown
    std::uint32_t asn = 0;
};

struct Site {
    const Clock& clock;
    std::shared_ptr<const FilterConfig> config;
    std::shared_ptr<const CheckList> checks;
    std::function<Place(const IpAddress&)> locate;
    AccountState& accounts;
    Reservations& reservations;
    AutomaticBlocks& automatic_blocks;
    RefusalFolding& folding;
    std::function<void(const event::Record&)>
        keep; ///< takes records that no answer waits for, and what follows of them
};

} // namespace smtpauth
