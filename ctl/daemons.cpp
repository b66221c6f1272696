#include "ctl/daemons.hpp"

#include <optional>
#include <type_traits>

#include "collector/config.hpp"
#include "filter/config.hpp"

namespace smtpauth {

namespace {

template <class Config>
void add(std::vector<Daemon>& daemons, const Config& config)
{
    if (config.control)
        daemons.push_back({config.log.program, config.control->path, std::is_same_v<Config, FilterConfig>});
}

} // namespace

Daemons load_daemons(const std::string& config)
{
    Daemons result;
    const FilterConfigResult filter = load_filter_config(config);
    const CollectorConfigResult collector = load_collector_config(config);
    result.errors = filter.errors.empty() ? collector.errors : filter.errors;
    add(result.daemons, filter.config);
    for (const std::string& instance : filter.instances)
        add(result.daemons, load_filter_config(config, instance).config);
    add(result.daemons, collector.config);
    return result;
}

} // namespace smtpauth
