// RiskAccount as octets: docs/formats/accounts.md has the numbers' form.
#include <bit>
#include <limits>
#include <string_view>

#include "filter/policy/risk_account.hpp"

namespace smtpauth {

namespace {

constexpr std::size_t word_size = sizeof(std::uint64_t);

template <class Places>
void append(std::string& out, const Places& places)
{
    append_varint(out, static_cast<std::uint64_t>(places.end() - places.begin()));
    for (const RiskPlace& place : places)
        for (const std::uint64_t number : {std::uint64_t{place.key}, std::uint64_t{place.day},
                                           std::uint64_t{place.days}, std::uint64_t{place.credit}})
            append_varint(out, number);
}

/// @param most  what is larger was not written by save().
template <class Number>
bool read_number(VarintReader& in, Number& number, std::uint64_t most = std::numeric_limits<Number>::max())
{
    const std::uint64_t value = in.number();
    number = static_cast<Number>(value);
    return !in.failed() && value <= most;
}

template <class Places>
bool read_places(VarintReader& in, Places& places)
{
    places = {};
    for (std::uint64_t left = in.number(); left != 0; --left) {
        RiskPlace place;
        if (!read_number(in, place.key) || !read_number(in, place.day) ||
            !read_number(in, place.days, RiskPlace::most_days) ||
            !read_number(in, place.credit, RiskPlace::most_credit))
            return false;
        places.append(place);
    }
    return !in.failed();
}

/// Of a sum that cannot be less than 0 or without end.
bool read_amount(VarintReader& in, float& amount)
{
    std::uint32_t bits = 0;
    if (!read_number(in, bits))
        return false;
    amount = std::bit_cast<float>(bits);
    return amount >= 0 && amount <= std::numeric_limits<float>::max();
}

} // namespace

void RiskAccount::save(std::string& out) const
{
    append_varint(out, static_cast<std::uint64_t>(last_.time_since_epoch().count()));
    append_varint(out, first_day_);
    append_varint(out, std::bit_cast<std::uint32_t>(spent_));
    append_varint(out, std::bit_cast<std::uint32_t>(spent_unvouched_));
    append(out, networks_);
    append(out, providers_);
    append(out, countries_);
    append(out, senders_);
    for (const Visit& visit : visits_)
        for (const std::uint64_t number :
             {std::uint64_t{visit.network}, std::uint64_t{visit.second}, std::uint64_t{visit.country}})
            append_varint(out, number);
    append_varint(out, recipients_.table().size() * word_size);
    for (const std::uint64_t word : recipients_.table())
        for (std::size_t octet = 0; octet < word_size; ++octet)
            out.push_back(static_cast<char>(word >> octet * 8));
}

bool RiskAccount::load(VarintReader& in)
{
    std::int64_t last = 0;
    if (!read_number(in, last, std::numeric_limits<std::int64_t>::max()))
        return false;
    last_ = event::Time(event::Milliseconds(last));
    if (!read_number(in, first_day_) || !read_amount(in, spent_) || !read_amount(in, spent_unvouched_) ||
        !read_places(in, networks_) || !read_places(in, providers_) || !read_places(in, countries_) ||
        !read_places(in, senders_))
        return false;
    for (Visit& visit : visits_)
        if (!read_number(in, visit.network) || !read_number(in, visit.second) || !read_number(in, visit.country))
            return false;
    const std::string_view table = in.text();
    if (table.size() != recipients_.table().size() * word_size)
        return false;
    recipients_.table() = {};
    for (std::size_t at = 0; at < table.size(); ++at)
        recipients_.table()[at / word_size] |= std::uint64_t{static_cast<unsigned char>(table[at])}
                                               << at % word_size * 8;
    return true;
}

} // namespace smtpauth
