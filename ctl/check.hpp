// smtpauthctl check: does everything stand as the daemons and the MTA need it? Looks, and never changes anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/config.hpp"
#include "common/json.hpp"
#include "ctl/reach.hpp"
#include "filter/config.hpp"

namespace smtpauth {

struct CheckResult {
    enum class Level { ok, warning, error };

    Level level = Level::ok;
    std::string subject; ///< what was looked at
    std::string text;    ///< what was found
    std::string remedy;  ///< what to do; "" where nothing has to be done
};

using CheckResults = std::vector<CheckResult>;

/// All filters of a configuration ([filter] and its instances) and the collector.
struct CheckedConfig {
    std::vector<FilterConfig> filters;
    CollectorConfig collector;
};

// Each adds what it found (check_daemons.cpp, check_postfix.cpp, check_sendmail.cpp).

/// Control sockets, directories, lists, databases.
void check_daemons(const CheckedConfig& config, CheckResults& results);

/// @param directory  of main.cf and master.cf. @param expected  an absent one is an error.
/// @return  false: Postfix is not there.
bool check_postfix(const CheckedConfig& config, const std::string& directory, bool expected, CheckResults& results);

/// @param file  sendmail.cf.
bool check_sendmail(const CheckedConfig& config, const std::string& file, bool expected, CheckResults& results);

/// The lines that an MTA needs, for people to copy.
struct SuggestedLines {
    std::string main_cf;
    std::string
        master_cf; ///< options to be added to services that are there; nothing that could take a service's place
    std::string sendmail_mc;
    bool only_unchrooted = false; ///< Postfix's service must not be chrooted to reach the filter
};
SuggestedLines suggested_lines(const FilterConfig& filter, const std::string& queue_directory);

/// Of one directory that a daemon writes to, such as that of the logs.
/// @param user  who it runs as, where that is known. @param room  octets that it may come to need, 0: not known.
void check_directory(const char* setting, const std::string& path, const std::optional<Person>& user,
                     std::uint64_t room, CheckResults& results);

/// A listen address in Postfix's spelling for a process that may be chrooted to the queue directory: a socket below
/// that is named relative to it, which is right in either case.
std::string postfix_endpoint(const SocketSpec& listen, const std::string& queue_directory);

/// For people.
std::string to_text(const CheckResults& results, const SuggestedLines& lines);
/// For programs: {"results": [{"level", "subject", "text", "remedy"}], "lines": {...}}.
json::object to_json(const CheckResults& results, const SuggestedLines& lines);

/// The command; its arguments begin behind its name. @return  0 all is well, 1 warnings, 78 errors.
int run_check(int argc, char** argv);

} // namespace smtpauth
