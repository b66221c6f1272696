// One filter's risk budget, fed as the filter feeds it: for tests.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "filter/policy/risk_check.hpp"
#include "filter/policy/risk_state.hpp"

namespace smtpauth::test {

/// Where mail comes from.
struct RiskFrom {
    std::string address;
    std::string country{};
    std::uint32_t asn = 0;
};

inline const RiskFrom home{"192.0.2.7", "JP", 64500};

/// Monday, 2026-03-02, 00:00 UTC
inline constexpr event::Time risk_monday{std::chrono::seconds(1772409600)};

class RiskSite {
public:
    explicit RiskSite(RiskCheck::Terms terms = {}) : check(state, std::move(terms)) {}

    static event::Record mail(event::Time time, const RiskFrom& from, const std::vector<std::string>& recipients,
                              const std::string& auth_id = "alice")
    {
        event::Record record;
        record.auth_id = auth_id;
        record.sender = auth_id + "@example.org";
        record.eom_time = time;
        record.client_address = from.address;
        record.country = from.country;
        record.asn = from.asn;
        for (const std::string& recipient : recipients)
            record.recipients.append(recipient);
        return record;
    }

    /// @return  whether it passes; then it is learned from.
    bool send(event::Record record)
    {
        const Verdict verdict = check.at_end_of_message(record);
        record.action = verdict.action;
        state.apply(record);
        return verdict.passes();
    }

    bool send(event::Time time, const RiskFrom& from, const std::vector<std::string>& recipients)
    {
        return send(mail(time, from, recipients));
    }

    /// One that nobody wrote to before.
    std::string stranger() { return "stranger" + std::to_string(++strangers_) + "@example.com"; }

    std::vector<std::string> strangers(std::size_t count)
    {
        std::vector<std::string> found(count);
        for (std::string& address : found)
            address = stranger();
        return found;
    }

    /// Two weeks of office life: eight messages a day to ten acquaintances.
    /// @return  the day after, at 08:00 UTC.
    event::Time live_two_weeks()
    {
        for (int day = 0; day < 14; ++day)
            for (int hour = 9; hour < 17; ++hour)
                send(risk_monday + std::chrono::hours(24 * day + hour), home, {acquaintance(day + hour)});
        return risk_monday + std::chrono::hours(24 * 14 + 8);
    }

    static std::string acquaintance(int number) { return "friend" + std::to_string(number % 10) + "@example.net"; }

    /// Strangers that leave one by one, a second apart, before the first is refused; `most` at most.
    int leaked(event::Time time, const RiskFrom& from, int most)
    {
        int count = 0;
        while (count < most && send(time + std::chrono::seconds(count), from, {stranger()}))
            ++count;
        return count;
    }

    RiskState state;
    RiskCheck check;

private:
    int strangers_ = 0;
};

} // namespace smtpauth::test
