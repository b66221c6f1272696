#include "filter/policy/risk_mail.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "filter/policy/recent_networks.hpp"
#include "proto/journal/crc32c.hpp"

namespace smtpauth {

namespace {

/// Spreads what few bits tell over all (the finalizer of SplitMix64). States are saved: never change it.
constexpr std::uint64_t spread(std::uint64_t number)
{
    number += 0x9e3779b97f4a7c15;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
    number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
    return number ^ (number >> 31);
}

/// Upper half, so that no ASN in use (they are below 2^31 but for private ones) is meant.
std::uint32_t provider_of(NetworkId network)
{
    const bool is_v4 = network >> 24 == 0xffff; // as it stands in IPv6
    return static_cast<std::uint32_t>(spread(is_v4 ? network >> 8 : network >> 32)) | 0x80000000U;
}

std::uint16_t country_number(std::string_view country)
{
    if (country.size() != 2)
        return 0;
    const auto letter = [&](std::size_t at) { return static_cast<unsigned char>(country[at]); };
    return static_cast<std::uint16_t>(letter(0) << 8 | letter(1));
}

char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace

void RiskMail::assign(const event::Record& record)
{
    const auto hash = [this](std::string_view address) {
        lower_case_.clear();
        std::transform(address.begin(), address.end(), std::back_inserter(lower_case_), to_lower);
        return journal::crc32c(lower_case_);
    };
    const NetworkId client = network_of(record.client_address);
    time = record.eom_time;
    network = static_cast<std::uint32_t>(spread(client));
    provider = record.asn != 0 ? record.asn : provider_of(client);
    country = country_number(record.country);
    sender = hash(record.sender.value_or(""));
    recipients.clear();
    for (const std::string_view recipient : record.recipients)
        recipients.push_back(spread(hash(recipient)));
    unlisted = record.rcpt_unlisted;
}

std::string country_text(std::uint16_t country)
{
    return country == 0 ? std::string()
                        : std::string{static_cast<char>(country >> 8), static_cast<char>(country & 0xff)};
}

} // namespace smtpauth
