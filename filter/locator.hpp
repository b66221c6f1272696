// Country and network of a client, from the databases of the [geo] table. Loop's thread only.
#pragma once

#include <optional>
#include <string>

#include "common/geo.hpp"
#include "filter/site.hpp"

namespace smtpauth {

class Locator {
public:
    /// Opens both databases anew. One that cannot be opened is logged; the one in use before then stays.
    void load(const FilterConfig& config);

    Place locate(const IpAddress& address) const;

private:
    std::optional<GeoDatabase> country_;
    std::optional<GeoDatabase> asn_;
};

} // namespace smtpauth
