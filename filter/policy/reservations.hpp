// Recipients that were accepted one by one, of messages that are still under way: as good as charged for whoever is
// judged meanwhile. Nothing of it is recorded: a filter that ends forgets it together with the messages. No clock, no
// file. One thread.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "filter/policy/charge_history.hpp"
#include "filter/policy/limit_rule.hpp"
#include "proto/event/record.hpp"

namespace smtpauth {

class Reservation;

class Reservations {
public:
    /// @param timeout  a message that takes longer loses its reservation, and is judged anew at its end.
    void set_timeout(event::Milliseconds timeout) { timeout_ = timeout; }

    /// What is reserved for a name at that time.
    Charge sum(Scope scope, std::string_view name, event::Time now) const;

private:
    friend class Reservation;

    event::Milliseconds timeout_ = std::chrono::minutes(10);
    std::unordered_map<std::string, std::vector<const Reservation*>> by_name_;
};

/// Of one message. Gives all back when it goes.
class Reservation {
public:
    /// @param all  outlives this.
    /// @param mail  whose it is, and when it began.
    Reservation(Reservations& all, const event::Record& mail, const Scopes& scopes);
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;
    ~Reservation();

    void add(const Charge& charge) { amount_ += charge; }

private:
    friend class Reservations;

    Reservations& all_;
    event::Time since_;
    Charge amount_;
    std::array<std::string, scope_count> keys_; ///< "" where the mail has no such name
};

} // namespace smtpauth
