#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "common/read_file.hpp"
#include "common/socket_spec.hpp"
#include "ctl/addresses.hpp"
#include "ctl/check.hpp"
#include "ctl/postfix_config.hpp"
#include "ctl/reach.hpp"

namespace smtpauth {

namespace {

using Level = CheckResult::Level;

constexpr std::uint64_t largest_file = std::uint64_t{16} << 20;
constexpr std::string_view unix_transport = "unix:";

class PostfixCheck {
public:
    PostfixCheck(const CheckedConfig& config, std::string directory, CheckResults& results)
        : config_(config),
          directory_(std::move(directory)),
          results_(results)
    {
    }

    void run(const std::string& main_cf, const std::string& master_cf)
    {
        main_ = parse_main_cf(main_cf);
        queue_ = postfix_value("queue_directory", main_);
        owner_ = postfix_value("mail_owner", main_);
        const std::string level = postfix_value("compatibility_level", main_);
        const auto services = parse_master_cf(master_cf, level.empty() || level == "0");
        bool named = false;
        for (const PostfixService& service : services)
            if (service.program == "smtpd")
                named = check_service(service, "smtpd_milters") || named;
            else if (service.program == "cleanup")
                check_service(service, "non_smtpd_milters");
        if (!named)
            add(Level::error, "smtpd_milters", "no smtpd of master.cf uses this filter",
                "put the lines below into main.cf or, for submission only, into master.cf; then: postfix reload");
        for (const PostfixService& service : services)
            check_submission(service);
    }

private:
    void add(Level level, std::string subject, std::string text, std::string remedy = {})
    {
        results_.push_back({level, "Postfix " + std::move(subject), std::move(text), std::move(remedy)});
    }

    static std::string name_of(const PostfixService& service)
    {
        return fmt::format("{} ({} {})", service.name, service.type, service.program);
    }

    /// @return  whether the service names this filter.
    bool check_service(const PostfixService& service, const char* parameter)
    {
        bool named = false;
        for (const PostfixMilter& milter : parse_milters(postfix_value(parameter, main_, service.overrides)))
            if (check_milter(service, parameter, milter))
                named = true;
        return named;
    }

    /// @return  whether it is one of ours.
    bool check_milter(const PostfixService& service, const char* parameter, const PostfixMilter& milter)
    {
        const std::string subject = fmt::format("{}: {} {}", name_of(service), parameter, milter.endpoint);
        if (milter.endpoint.starts_with(unix_transport))
            return check_socket(service, subject, milter);
        if (milter.endpoint.starts_with("inet6:"))
            add(Level::error, subject,
                "Postfix knows no inet6:", "write inet:[ADDRESS]:PORT, such as inet:[::1]:10025");
        const auto address = parse_postfix_inet(milter.endpoint);
        if (!address || !is_listened_at(*address))
            return false;
        add(Level::ok, subject, "is this filter");
        check_default_action(service, subject, milter);
        return true;
    }

    bool is_listened_at(const SocketSpec& address) const
    {
        return std::any_of(config_.filters.begin(), config_.filters.end(), [&](const FilterConfig& filter) {
            return std::any_of(filter.listen.begin(), filter.listen.end(),
                               [&](const SocketSpec& listen) { return leads_to(address, listen); });
        });
    }

    bool is_listened_at(const std::string& path) const { return is_listened_at(SocketSpec(UnixSocketSpec{path})); }

    /// Each daemon works in the queue directory; a chrooted one has nothing else.
    std::string meant_by(const std::string& named, bool chrooted) const
    {
        if (chrooted)
            return resolved_path(queue_, named);
        return std::filesystem::path(named.starts_with('/') ? named : queue_ + '/' + named).lexically_normal();
    }

    bool check_socket(const PostfixService& service, const std::string& subject, const PostfixMilter& milter)
    {
        const std::string named = milter.endpoint.substr(unix_transport.size());
        const std::string meant = meant_by(named, service.chrooted);
        if (!is_listened_at(meant)) {
            if (!service.chrooted || !is_listened_at(meant_by(named, false)))
                return false;
            add(Level::error, subject,
                fmt::format("this service is chrooted, so Postfix looks for {}, where no filter listens", meant),
                fmt::format(
                    "let the filter listen below {} and name it by the path from there, or write \"n\" into the "
                    "column chroot",
                    queue_));
            return true;
        }
        const auto person = find_person(owner_);
        if (!person) {
            add(Level::warning, subject, fmt::format("there is no user {} (mail_owner)", owner_));
        } else if (const auto obstacle = find_obstacle(*person, meant, Access::write)) {
            add(obstacle->is_unknown ? Level::warning : Level::error, subject,
                fmt::format("{} cannot reach it: {}: {}", owner_, obstacle->path, obstacle->why), remedy_of(*obstacle));
        } else {
            add(Level::ok, subject,
                fmt::format("{} reaches {}{}", owner_, meant, service.chrooted ? ", chrooted" : ""));
        }
        check_default_action(service, subject, milter);
        return true;
    }

    std::string remedy_of(const Obstacle& obstacle) const
    {
        if (obstacle.is_missing)
            return "start the filter";
        if (obstacle.is_unknown)
            return "ask as root";
        return fmt::format("add {} to the group of what stops it (adduser {} GROUP; then: postfix reload), or set "
                           "listen_group of [filter]",
                           owner_, owner_);
    }

    void check_default_action(const PostfixService& service, const std::string& subject, const PostfixMilter& milter)
    {
        const auto own = milter.options.find("default_action");
        const std::string action = own != milter.options.end()
                                       ? own->second
                                       : postfix_value("milter_default_action", main_, service.overrides);
        if (action == "accept")
            add(Level::warning, subject,
                "default_action is accept: mail passes unfiltered and unlogged while the filter is "
                "down",
                "if that is not what you want: default_action=tempfail");
        else if (action != "tempfail" && action != "reject" && action != "quarantine" && action != "shutdown")
            add(Level::error, subject, fmt::format("default_action is \"{}\"", action),
                "default_action=tempfail or accept");
    }

    /// People's mail comes there; a service that forgets the filter is a hole.
    void check_submission(const PostfixService& service)
    {
        if (service.program != "smtpd" || service.type != "inet" ||
            postfix_value("smtpd_sasl_auth_enable", main_, service.overrides) != "yes")
            return;
        for (const PostfixMilter& milter : parse_milters(postfix_value("smtpd_milters", main_, service.overrides)))
            if (is_ours(milter))
                return;
        add(Level::warning, name_of(service), "takes mail with SMTP AUTH and does not ask this filter",
            "add smtpd_milters to its line of master.cf");
    }

    bool is_ours(const PostfixMilter& milter) const
    {
        if (milter.endpoint.starts_with(unix_transport)) {
            const std::string named = milter.endpoint.substr(unix_transport.size());
            return is_listened_at(meant_by(named, false)) || is_listened_at(meant_by(named, true));
        }
        const auto address = parse_postfix_inet(milter.endpoint);
        return address && is_listened_at(*address);
    }

    const CheckedConfig& config_;
    std::string directory_;
    CheckResults& results_;
    PostfixParameters main_;
    std::string queue_;
    std::string owner_;
};

} // namespace

bool check_postfix(const CheckedConfig& config, const std::string& directory, bool expected, CheckResults& results)
{
    const FileContent main_cf = read_file(directory + "/main.cf", largest_file, SymbolicLink::follow);
    const FileContent master_cf = read_file(directory + "/master.cf", largest_file, SymbolicLink::follow);
    if (!main_cf.error.empty() && !expected)
        return false;
    for (const auto& [name, content] : {std::pair("main.cf", &main_cf), std::pair("master.cf", &master_cf)})
        if (!content->error.empty()) {
            results.push_back({Level::error, fmt::format("Postfix {}/{}", directory, name), content->error,
                               "name the folder of main.cf and master.cf: --postfix-config DIR"});
            return true;
        }
    PostfixCheck(config, directory, results).run(main_cf.text, master_cf.text);
    return true;
}

std::string postfix_endpoint(const SocketSpec& listen, const std::string& queue_directory)
{
    if (const auto* tcp = std::get_if<TcpSocketSpec>(&listen))
        return postfix_inet(*tcp);
    const std::string path = resolved_path("/", std::get<UnixSocketSpec>(listen).path);
    const std::string queue = resolved_path("/", queue_directory) + '/';
    return path.starts_with(queue) ? "unix:" + path.substr(queue.size()) : to_string(listen);
}

} // namespace smtpauth
