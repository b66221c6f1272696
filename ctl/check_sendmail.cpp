#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <variant>

#include <fmt/format.h>

#include "common/read_file.hpp"
#include "ctl/addresses.hpp"
#include "ctl/check.hpp"
#include "ctl/postfix_config.hpp"
#include "ctl/reach.hpp"

namespace smtpauth {

namespace {

using Level = CheckResult::Level;

constexpr std::uint64_t largest_file = std::uint64_t{16} << 20;

/// The users that Sendmail runs as on Debian; as root it reaches everything.
constexpr std::array sendmail_users{"smmta", "smmsp"};

bool names(const FilterConfig& filter, std::string_view line)
{
    // Xsmtpauth, S=unix:/run/x.sock, F=T, T=...
    const std::size_t begin = line.find("S=");
    if (begin == std::string_view::npos)
        return false;
    const std::string_view rest = line.substr(begin + 2);
    const auto spec = parse_socket_spec(rest.substr(0, rest.find_first_of(", \t")));
    const auto* address = std::get_if<SocketSpec>(&spec);
    return address && std::any_of(filter.listen.begin(), filter.listen.end(),
                                  [&](const SocketSpec& listen) { return leads_to(*address, listen); });
}

void check_path(const std::string& path, CheckResults& results)
{
    const std::string subject = "Sendmail " + path;
    if (const auto loose = find_loose_directory(path)) {
        results.push_back({Level::error, subject,
                           fmt::format("Sendmail refuses it, because others may write to a directory above: {}: {}",
                                       loose->path, loose->why),
                           fmt::format("chmod go-w {}, or let the filter listen elsewhere", loose->path)});
        return;
    }
    for (const char* user : sendmail_users)
        if (const auto person = find_person(user)) {
            const auto obstacle = find_obstacle(*person, path, Access::write);
            if (obstacle)
                results.push_back(
                    {Level::warning, subject,
                     fmt::format("{} cannot reach it, which matters if Sendmail runs as that user: {}: {}", user,
                                 obstacle->path, obstacle->why),
                     obstacle->is_missing ? "start the filter" : "set listen_group of [filter]"});
            else
                results.push_back({Level::ok, subject, fmt::format("{} reaches it", user), ""});
        }
}

} // namespace

bool check_sendmail(const CheckedConfig& config, const std::string& file, bool expected, CheckResults& results)
{
    const FileContent content = read_file(file, largest_file, SymbolicLink::follow);
    const std::string subject = "Sendmail " + file;
    if (!content.error.empty()) {
        if (expected)
            results.push_back({Level::error, subject, content.error, "name it: --sendmail-config FILE"});
        return expected;
    }
    bool named = false;
    for (const std::string& line : logical_lines(content.text))
        for (const FilterConfig& filter : config.filters)
            named = named || (line.starts_with('X') && names(filter, line));
    if (named)
        results.push_back({Level::ok, subject, "names this filter", ""});
    else
        results.push_back({Level::error, subject, "no line X names a socket of this filter",
                           "put the line below into sendmail.mc, make sendmail.cf anew, restart Sendmail"});
    for (const FilterConfig& filter : config.filters)
        for (const SocketSpec& listen : filter.listen)
            if (const auto* socket = std::get_if<UnixSocketSpec>(&listen))
                check_path(socket->path, results);
    return true;
}

} // namespace smtpauth
