#include "filter/locator.hpp"

#include <utility>

#include "common/log.hpp"

namespace smtpauth {

namespace {

void load_one(std::optional<GeoDatabase>& database, const std::string& path, const std::string& private_directory)
{
    if (path.empty()) {
        database.reset();
        return;
    }
    auto opened = GeoDatabase::open(path, private_directory);
    if (const auto* error = std::get_if<std::string>(&opened)) {
        log::warning("{}; {}", *error,
                     database ? "the database in use stays" : "clients have no country or network from it");
        return;
    }
    database.emplace(std::get<GeoDatabase>(std::move(opened)));
    log::info("{}: {}", path, database->describe());
}

} // namespace

void Locator::load(const FilterConfig& config)
{
    load_one(country_, config.country_database, config.state_directory);
    load_one(asn_, config.asn_database, config.state_directory);
}

Place Locator::locate(const IpAddress& address) const
{
    Place place;
    if (country_)
        place.country = country_->country(address).value_or("");
    if (asn_)
        place.asn = asn_->asn(address).value_or(0);
    return place;
}

} // namespace smtpauth
