// Country and network of a client, from the databases of the [geo] table. A database that is replaced, also by cp over
// the file in use, is opened anew at once; one that cannot be opened is logged, and the one in use stays. Loop's thread
// only.
#pragma once

#include <memory>

#include "common/asio.hpp"
#include "common/background.hpp"
#include "filter/config.hpp"
#include "filter/site.hpp"

namespace smtpauth {

class Locator {
public:
    /// Both outlive the locator; `io` has ended before it does. @param background  where databases are opened anew.
    Locator(asio::io_context& io, Background& background);
    Locator(const Locator&) = delete;
    Locator& operator=(const Locator&) = delete;
    ~Locator();

    /// Opens both databases before it returns: for the start.
    void load(const FilterConfig& config);

    /// Opens both anew, aside: for a reload.
    void reload(const FilterConfig& config);

    Place locate(const IpAddress& address) const;

private:
    class Source;

    std::unique_ptr<Source> country_;
    std::unique_ptr<Source> asn_;
};

} // namespace smtpauth
