// What an account sent in the last hour, as far as an alarm wants to know: queue ids, origins, counts. Made from
// records, in about the order of their times. Knows no clock.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/event/record.hpp"

namespace smtpauth {

/// What became of a piece of mail.
enum class Fate : std::uint8_t { accepted, warned, held, refused };

Fate mail_fate(const event::Record& record);

/// A /24, or a /64 of IPv6; "" of what has no address.
std::string network_text(std::string_view client_address);

class RecentMail {
public:
    static constexpr std::chrono::hours keep{1};

    /// Beyond these the oldest quarter is forgotten before its hour is over.
    static constexpr std::size_t max_passed = 500;
    static constexpr std::size_t max_refused = 200;
    static constexpr std::size_t max_recipients = 10;

    /// A message, or refusals from one network within one minute.
    struct Seen {
        event::Time time{}; ///< of the last one
        Fate fate = Fate::accepted;
        std::uint32_t recipients = 0;
        std::uint64_t count = 1; ///< refusals
        std::array<char, 2> country{};
        std::string network;
        std::string queue_id; ///< "" where it is not letters and digits only

        std::string_view country_name() const { return {country.data(), country[0] == '\0' ? 0U : 2U}; }
    };

    /// @param recipient  one of the record's, as it may be told; "" for none.
    void add(const event::Record& record, std::string_view recipient);

    /// What passed or is held, then what was refused, each in its order, at `from` and later.
    template <class Visit>
    void for_each_since(event::Time from, Visit visit) const
    {
        for (const auto* list : {&passed_, &refused_})
            for (const Seen& seen : *list)
                if (seen.time >= from)
                    visit(seen);
    }

    /// False where something of that time or later was forgotten.
    bool is_complete_since(event::Time from) const { return forgotten_ < from; }

    /// A sample, the newest last, no two alike.
    const std::vector<std::string>& recipients() const { return recipients_; }

    std::size_t size_bytes() const;

private:
    void forget_old(std::vector<Seen>& list, std::size_t max, event::Time now);

    std::vector<Seen> passed_;
    std::vector<Seen> refused_;
    std::vector<std::string> recipients_;
    event::Time forgotten_ = event::Time::min(); ///< the newest that was forgotten early
};

} // namespace smtpauth
