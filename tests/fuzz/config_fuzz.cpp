// The configuration. Properties: whatever stands in the file, each mistake is one line that names it,
// without control bytes, and the same text gives the same mistakes; a configuration without mistakes
// is within its limits; durations and sizes come out the same after they were written and read again.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/config.hpp"
#include "common/units.hpp"
#include "filter/config.hpp"

namespace {

using namespace smtpauth;

void require(bool property)
{
    if (!property)
        std::abort();
}

bool printable(char c)
{
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
}

void check_errors(const std::vector<std::string>& errors)
{
    for (const std::string& error : errors) {
        require(error.starts_with("f:") || error.ends_with(" more mistakes"));
        require(std::all_of(error.begin(), error.end(), printable));
    }
}

void check_good(const FilterConfig& config)
{
    require(!config.listen.empty() && !config.identity.empty());
    for (const SocketSpec& spec : config.listen)
        require(std::get<SocketSpec>(parse_socket_spec(to_string(spec))) == spec);
    for (const IpNetwork& network : config.allow)
        require(IpNetwork::parse(network.to_string()) == network);
    require(config.listen_options.mode <= 0777);
    require(!config.reject_text.empty() && config.reject_text.size() <= 500);
    require(std::all_of(config.reject_text.begin(), config.reject_text.end(), printable));
    require(config.max_connections >= 1 && config.max_connections <= 1'000'000);
    require(config.drain_timeout >= std::chrono::seconds(0) && config.drain_timeout <= std::chrono::hours(1));
    require(config.reject_ids.starts_with('/') && config.state_directory.starts_with('/'));
}

void check_units(std::string_view text)
{
    if (const auto duration = parse_duration(text))
        require(parse_duration(to_text(*duration)) == duration);
    if (const auto bytes = parse_bytes(text))
        require(parse_bytes(bytes_to_text(*bytes)) == bytes);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const FilterConfigResult result = read_filter_config(ConfigFile::parse(text, "f"));
    check_errors(result.errors);
    if (result.errors.empty())
        check_good(result.config);
    require(read_filter_config(ConfigFile::parse(text, "f")).errors == result.errors);
    check_units(text);
    return 0;
}
