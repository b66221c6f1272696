// Places that an account's mail comes from (networks, providers, countries; senders are one too), and how familiar each
// is. A place earns that on days on which mail to recipients that the account knows came from there. That time passes,
// or that mail comes, earns nothing. Fixed size, plain data.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace smtpauth {

/// A day of UTC, counted from 1970.
using RiskDay = std::uint16_t;

struct RiskPlace {
    std::uint32_t key = 0;
    RiskDay day = 0;         ///< the last one that counted
    std::uint8_t days = 0;   ///< on which it vouched for itself, up to most_days
    std::uint8_t credit = 0; ///< for mail to known recipients, less that for mail to strangers only

    static constexpr std::uint8_t most_days = 3;
    static constexpr std::uint8_t most_credit = 15;
    static constexpr std::uint8_t earned = 3;  ///< by a message to known recipients; one to strangers only takes 1
    static constexpr std::uint8_t vouches = 6; ///< the credit from which a day counts

    /// Days before `today` that counted: what comes today makes nothing familiar today.
    unsigned days_before(RiskDay today) const { return days - (days != 0 && day == today ? 1U : 0U); }

    void take(RiskDay today, bool to_known)
    {
        if (!to_known) {
            credit = static_cast<std::uint8_t>(credit - (credit != 0 ? 1 : 0));
            return;
        }
        credit = static_cast<std::uint8_t>(std::min(credit + earned, +most_credit));
        if (credit < vouches || (days != 0 && day == today))
            return;
        days = static_cast<std::uint8_t>(std::min(days + 1, +most_days));
        day = today;
    }

    bool operator==(const RiskPlace&) const = default;
};

template <std::size_t size>
class RiskPlaces {
public:
    /// Null where it is not known.
    const RiskPlace* find(std::uint32_t key) const
    {
        const auto found = std::find_if(begin(), end(), [key](const RiskPlace& place) { return place.key == key; });
        return found == end() ? nullptr : found;
    }

    /// Days before `today` on which it vouched for itself.
    unsigned days_before(std::uint32_t key, RiskDay today) const
    {
        const RiskPlace* const place = find(key);
        return place ? place->days_before(today) : 0;
    }

    bool has_credit(std::uint32_t key) const
    {
        const RiskPlace* const place = find(key);
        return place && place->credit != 0;
    }

    /// Mail came from there.
    void note(std::uint32_t key, RiskDay today, bool to_known) { front(key).take(today, to_known); }

    /// An account's first mail: it has no other home than where this comes from.
    void settle(std::uint32_t key, RiskDay today)
    {
        front(key) = {.key = key, .day = static_cast<RiskDay>(today - 1), .days = 1, .credit = RiskPlace::vouches};
    }

    /// Puts one behind all others; nothing where there is no room.
    void append(const RiskPlace& place)
    {
        if (count_ != size)
            places_[count_++] = place;
    }

    /// That used last is the first.
    const RiskPlace* begin() const { return places_.data(); }
    const RiskPlace* end() const { return places_.data() + count_; }
    bool empty() const { return count_ == 0; }

    bool operator==(const RiskPlaces&) const = default;

private:
    /// Its entry, moved to the front. A new one takes the place of the least familiar; of several, of that used least
    /// recently.
    RiskPlace& front(std::uint32_t key)
    {
        const auto last = places_.begin() + count_;
        auto at = std::find_if(places_.begin(), last, [key](const RiskPlace& place) { return place.key == key; });
        if (at == last) {
            if (count_ != size)
                ++count_;
            else
                at = std::prev(std::min_element(places_.rbegin(), places_.rend(), less_familiar).base());
            *at = {.key = key};
        }
        std::rotate(places_.begin(), at, std::next(at));
        return places_.front();
    }

    static bool less_familiar(const RiskPlace& a, const RiskPlace& b) { return a.days < b.days; }

    std::array<RiskPlace, size> places_{};
    std::uint8_t count_ = 0;
};

} // namespace smtpauth
