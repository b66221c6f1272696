#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "common/control.hpp"
#include "common/id_list.hpp"
#include "common/read_file.hpp"
#include "common/units.hpp"
#include "ctl/addresses.hpp"
#include "ctl/check.hpp"
#include "ctl/control_client.hpp"
#include "ctl/filters.hpp"
#include "ctl/reach.hpp"
#include "filter/instances.hpp"

namespace smtpauth {

namespace {

using namespace std::chrono_literals;
using Level = CheckResult::Level;

constexpr auto oldest_database = 60 * 24h;
constexpr std::uint64_t largest_list = std::uint64_t{1} << 30;

std::string error_text()
{
    return std::generic_category().message(errno);
}

std::chrono::seconds age_of(const struct stat& status)
{
    return std::chrono::seconds(std::time(nullptr) - status.st_mtim.tv_sec);
}

std::string days_text(std::chrono::seconds age)
{
    const auto days = std::chrono::floor<std::chrono::days>(age).count();
    return days == 0 ? "today" : days == 1 ? "1 day ago" : fmt::format("{} days ago", days);
}

/// As whom a daemon runs: by its process where it answers, else the usual user.
using DaemonUser = std::optional<Person>;

/// With the groups that it has now: whoever started it may have given it others than its user has.
std::optional<Person> user_of_process(std::int64_t pid)
{
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    std::optional<Person> person;
    for (std::string line; std::getline(status, line);) {
        std::istringstream words(line);
        std::string title;
        words >> title;
        if (uid_t uid = 0; title == "Uid:" && words >> uid >> uid) // the real one, then that in force
            person = person_of(uid, 0);
        if (gid_t gid = 0; title == "Gid:" && words >> gid >> gid && person)
            person->groups = {gid};
        if (title == "Groups:" && person)
            for (gid_t gid = 0; words >> gid;)
                person->groups.push_back(gid);
    }
    return person;
}

/// Errors among the last lines of its log.
std::size_t errors_of(const json::object& status)
{
    const std::vector<json::object> problems = object_members(status, "problems");
    return static_cast<std::size_t>(std::count_if(problems.begin(), problems.end(), [](const json::object& problem) {
        return printable_member(problem, "level") == "error";
    }));
}

/// Asks a daemon how it is. @param usual  the user of an installed system.
DaemonUser check_control(const std::string& name, const std::optional<UnixSocketSpec>& control, const char* usual,
                         CheckResults& results)
{
    if (!control) {
        results.push_back({Level::warning, name, "has no control socket, so nobody can ask it", "set control"});
        return find_person(usual);
    }
    const ControlResult answer = ask_daemon(control->path, control_request("status"));
    const auto* status = std::get_if<json::object>(&answer);
    if (!status) {
        results.push_back(
            {Level::error, name,
             fmt::format("does not answer at {}: {}", control->path, std::get<ControlRefusal>(answer).text),
             "start it, and look at what it says when it starts"});
        return find_person(usual);
    }
    const json::value* const pid = status->if_contains("pid");
    const std::int64_t number = pid && pid->is_int64() ? pid->get_int64() : 0;
    auto person = user_of_process(number);
    results.push_back(
        {Level::ok, name,
         fmt::format("answers at {}, pid {}{}", control->path, number, person ? ", as user " + person->name : ""), ""});
    if (const std::size_t errors = errors_of(*status); errors != 0)
        results.push_back({Level::warning, name, fmt::format("{} of the last lines of its log are errors", errors),
                           "smtpauthctl status shows them"});
    return person ? person : find_person(usual);
}

void check_age(const char* setting, const std::string& path, CheckResults& results)
{
    if (path.empty())
        return;
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        results.push_back({Level::warning, fmt::format("{} {}", setting, path),
                           error_text() + ": countries are unknown", "put a database there, or set it to \"\""});
        return;
    }
    const auto age = age_of(status);
    const bool old = age > oldest_database;
    results.push_back({old ? Level::warning : Level::ok, fmt::format("{} {}", setting, path),
                       fmt::format("written {}{}", days_text(age), old ? ", so addresses have moved since" : ""),
                       old ? "update it, with geoipupdate for instance" : ""});
}

void check_list(const FilterConfig& filter, const DaemonUser& user, CheckResults& results)
{
    const std::string subject = "reject_ids " + filter.reject_ids;
    const FileContent content = read_file(filter.reject_ids, largest_list, SymbolicLink::follow);
    if (!content.error.empty()) {
        results.push_back({Level::error, subject, content.error,
                           "make it, empty perhaps: without it the filter complains "
                           "each minute"});
        return;
    }
    if (user)
        if (const auto obstacle = find_obstacle(*user, filter.reject_ids, Access::read)) {
            results.push_back({Level::error, subject, fmt::format("{}: {}", obstacle->path, obstacle->why),
                               "chmod or chown it, so that the filter can read it"});
            return;
        }
    struct stat status {};
    ::stat(filter.reject_ids.c_str(), &status);
    const std::size_t count = IdList::parse(content.text, filter.auth_id_normalize).size();
    results.push_back({Level::ok, subject, fmt::format("{} ids, changed {}", count, days_text(age_of(status))), ""});
}

/// By its name, as /var/log/smtpauth and /var/lib/smtpauth-filter/journal are: others' directories are not to be given
/// away.
bool is_ours(const std::string& directory)
{
    const std::filesystem::path path = directory;
    const auto named = [](const std::filesystem::path& part) {
        return part.filename().string().starts_with("smtpauth");
    };
    return named(path) || named(path.parent_path());
}

/// What keeps a daemon from writing into its directory, and how it goes away.
std::string remedy_of(const Obstacle& obstacle, const std::string& user, const std::string& directory)
{
    if (obstacle.is_unknown)
        return "ask as root";
    std::error_code error;
    const bool is_the_directory = std::filesystem::equivalent(obstacle.path, directory, error) && !error;
    if (!is_the_directory)
        return std::filesystem::is_directory(obstacle.path, error) ? "chmod o+x " + obstacle.path
                                                                   : "name a directory, not a file";
    return is_ours(directory)
               ? fmt::format("chown {} {}", user, directory)
               : fmt::format("name a directory of its own, and make it: install -d -o {} -m 750 {}/smtpauth", user,
                             directory);
}

/// The way from a filter to the collector.
void check_events(const CheckedConfig& config, const FilterConfig& filter, const DaemonUser& user,
                  CheckResults& results)
{
    const std::string subject = "collector " + to_string(filter.collector);
    const auto* socket = std::get_if<UnixSocketSpec>(&filter.collector);
    if (!socket || !leads_to(filter.collector, config.collector.listen)) {
        results.push_back({Level::error, subject,
                           fmt::format("the collector listens at {}", to_string(config.collector.listen)),
                           "give [filter] collector and [collector] listen the same value"});
        return;
    }
    if (!user)
        return;
    if (const auto obstacle = find_obstacle(*user, socket->path, Access::write))
        results.push_back({obstacle->is_unknown ? Level::warning : Level::error, subject,
                           fmt::format("{}: {}", obstacle->path, obstacle->why),
                           obstacle->is_missing ? "start the collector"
                                                : "set listen_group of [collector] to a group of " + user->name});
    else if (!config.collector.event_peers.contains(user->uid))
        results.push_back({Level::error, subject,
                           fmt::format("{} is not one of event_peers: the collector turns it away", user->name),
                           fmt::format("event_peers = [\"{}\"] in [collector]", user->name)});
    else
        results.push_back({Level::ok, subject, user->name + " reaches it", ""});
}

} // namespace

void check_directory(const char* setting, const std::string& path, const std::optional<Person>& user,
                     std::uint64_t room, CheckResults& results)
{
    const std::string subject = fmt::format("{} {}", setting, path);
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        const bool hidden = errno == EACCES;
        results.push_back({Level::warning, subject, error_text(),
                           hidden ? "ask as root" : "the daemon makes it at its start, where it may"});
        return;
    }
    if (user)
        if (const auto obstacle = find_obstacle(*user, path, Access::write)) {
            results.push_back({Level::error, subject, fmt::format("{}: {}", obstacle->path, obstacle->why),
                               remedy_of(*obstacle, user->name, path)});
            return;
        }
    if ((status.st_mode & S_IWOTH) != 0) {
        results.push_back({Level::error, subject, "everybody may write there",
                           is_ours(path) ? "chmod o-w " + path : "name a directory of its own"});
        return;
    }
    struct statvfs space {};
    const std::uint64_t free =
        ::statvfs(path.c_str(), &space) == 0 ? std::uint64_t{space.f_bavail} * space.f_frsize : room;
    const std::string mebibytes = fmt::format("{} MiB free", free >> 20);
    if (free < room)
        results.push_back({Level::warning, subject,
                           fmt::format("{}, less than journal_max_bytes ({})", mebibytes, bytes_to_text(room)),
                           "make room, or lower journal_max_bytes"});
    else
        results.push_back({Level::ok, subject, mebibytes, ""});
}

void check_daemons(const CheckedConfig& config, CheckResults& results)
{
    const DaemonUser collector =
        check_control("smtpauth-log-collector", config.collector.control, "smtpauth-collector", results);
    for (const FilterConfig& filter : config.filters) {
        const DaemonUser user = check_control(filter_name(filter.instance), filter.control, "smtpauth-filter", results);
        check_events(config, filter, user, results);
        check_directory("journal_directory", filter.journal_directory, user, filter.journal_max_bytes, results);
        check_list(filter, user, results);
    }
    if (!config.filters.empty()) {
        check_age("country_database", config.filters.front().country_database, results);
        check_age("asn_database", config.filters.front().asn_database, results);
    }
    const std::set<std::string> directories{std::filesystem::path(config.collector.stats_log).parent_path(),
                                            std::filesystem::path(config.collector.rejects_log).parent_path()};
    for (const std::string& directory : directories)
        check_directory("logs in", directory, collector, 0, results);
}

} // namespace smtpauth
