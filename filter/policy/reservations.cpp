#include "filter/policy/reservations.hpp"

#include <algorithm>

#include "filter/policy/account_state.hpp"

namespace smtpauth {

namespace {

std::string key_of(Scope scope, std::string_view name)
{
    return static_cast<char>(scope) + std::string(name);
}

} // namespace

Charge Reservations::sum(Scope scope, std::string_view name, event::Time now) const
{
    Charge sum;
    if (by_name_.empty())
        return sum;
    const auto found = by_name_.find(key_of(scope, name));
    if (found == by_name_.end())
        return sum;
    for (const Reservation* reservation : found->second)
        if (now - reservation->since_ < timeout_)
            sum += reservation->amount_;
    return sum;
}

Reservation::Reservation(Reservations& all, const event::Record& mail, const Scopes& scopes)
    : all_(all),
      since_(mail.eom_time)
{
    for (std::size_t at = 0; at < scope_count; ++at) {
        const Scope scope{static_cast<std::uint8_t>(at)};
        const std::string name = name_in(scope, mail);
        if (name.empty() || !scopes[at])
            continue;
        keys_[at] = key_of(scope, name);
        all_.by_name_[keys_[at]].push_back(this);
    }
}

Reservation::~Reservation()
{
    for (const std::string& key : keys_) {
        if (key.empty())
            continue;
        const auto found = all_.by_name_.find(key);
        std::erase(found->second, this);
        if (found->second.empty())
            all_.by_name_.erase(found);
    }
}

} // namespace smtpauth
