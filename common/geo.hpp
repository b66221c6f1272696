// Country and network (ASN) of an address, from databases in MaxMind's format. libmaxminddb is used
// only here. Knows nothing of when to open a database anew: open again and swap.
//
// A database that is overwritten in place while it is mapped kills the reader with SIGBUS, so each is
// copied to a private file without a name, and that copy is mapped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "common/ip_address.hpp"

namespace smtpauth {

class GeoDatabase {
public:
    /// Copies, checks and opens a database; some milliseconds for each MiB, so at start and reload.
    /// @param path  a .mmdb file of at most 1 GiB.
    /// @param private_directory  where the copy goes; where that is not possible, it goes to memory.
    /// @return  the database, or what is wrong with it, with its path.
    static std::variant<GeoDatabase, std::string> open(const std::string& path, const std::string& private_directory);

    GeoDatabase(GeoDatabase&&) noexcept;
    GeoDatabase& operator=(GeoDatabase&&) noexcept;
    ~GeoDatabase();

    /// country.iso_code, else registered_country.iso_code: "DE"; nothing where the database knows none.
    std::optional<std::string> country(const IpAddress& address) const;

    /// autonomous_system_number; nothing where the database knows none.
    std::optional<std::uint32_t> asn(const IpAddress& address) const;

    /// Type, date and size, for the log.
    std::string describe() const;

private:
    struct Impl;
    explicit GeoDatabase(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace smtpauth
