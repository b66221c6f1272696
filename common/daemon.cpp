#include "common/daemon.hpp"

#include <getopt.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

#include "common/escape.hpp"
#include "version.hpp"

namespace smtpauth {

namespace {

constexpr mode_t directory_mode = 0750;

constexpr const char* help = R"({0} {1}

  {0} {3}

  -c FILE    configuration, default {2}; conf.d/*.toml beside it is read too
  -n         check the configuration and end: 0 when it is good, 78 when not
  -v         log everything
  -f         stay in the foreground, as always
  --help     this text
  --version  the version
{4}
HUP reloads the configuration, USR1 reopens log files, TERM ends.
)";

constexpr const char* instance_help = R"(  --instance NAME
             be one of several: what [filter.instances.NAME] says goes before [filter]
)";

const char* synopsis(Instances instances)
{
    return instances == Instances::several ? "[-c FILE] [-n] [-v] [--instance NAME]" : "[-c FILE] [-n] [-v]";
}

[[noreturn]] void end_with_usage(const std::string& program, Instances instances)
{
    fmt::print(stderr, "usage: {} {}\n", program, synopsis(instances));
    std::exit(exit_code::usage);
}

} // namespace

CommandLine parse_command_line(int argc, char** argv, const std::string& program, Instances instances)
{
    constexpr int version_option = 256; // behind every character
    constexpr int instance_option = 257;
    const option options[] = {{"help", no_argument, nullptr, 'h'},
                              {"version", no_argument, nullptr, version_option},
                              {"instance", required_argument, nullptr, instance_option},
                              {nullptr, 0, nullptr, 0}};
    CommandLine line;
    for (int found = 0; (found = ::getopt_long(argc, argv, "c:nvfh", options, nullptr)) != -1;) {
        switch (found) {
        case 'c':
            line.config = optarg;
            break;
        case 'n':
            line.check_only = true;
            break;
        case 'v':
            line.verbose = true;
            break;
        case 'f':
            break;
        case 'h':
            fmt::print(help, program, version, CommandLine().config, synopsis(instances),
                       instances == Instances::several ? instance_help : "");
            std::exit(exit_code::ok);
        case version_option:
            fmt::print("{} {}\n", program, version);
            std::exit(exit_code::ok);
        case instance_option:
            if (instances == Instances::one || *optarg == '\0')
                end_with_usage(program, instances);
            line.instance = optarg;
            break;
        default: // getopt_long() has said what is wrong
            end_with_usage(program, instances);
        }
    }
    if (optind < argc) {
        fmt::print(stderr, "{}: unexpected argument \"{}\"\n", program, escape_controls(argv[optind]));
        end_with_usage(program, instances);
    }
    return line;
}

int report_config_errors(const std::vector<std::string>& errors)
{
    for (const std::string& error : errors)
        fmt::print(stderr, "{}\n", escape_controls(error));
    return errors.empty() ? exit_code::ok : exit_code::config;
}

Signals::Signals(asio::io_context& io, Handlers handlers)
    : signals_(io, SIGHUP, SIGTERM, SIGINT),
      handlers_(std::move(handlers))
{
    signals_.add(SIGUSR1);
    std::signal(SIGPIPE, SIG_IGN);
    wait();
}

void Signals::stop()
{
    signals_.cancel();
}

void Signals::wait()
{
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error)
            return; // stopped; this object may be gone
        wait();
        const auto& handler = signal == SIGHUP    ? handlers_.on_reload
                              : signal == SIGUSR1 ? handlers_.on_reopen
                                                  : handlers_.on_stop;
        if (handler)
            handler();
    });
}

log::Settings log_settings(log::Settings configured, const CommandLine& command_line)
{
    if (command_line.verbose)
        configured.level = log::Level::debug;
    return configured;
}

bool begin_reload(const std::vector<std::string>& errors, const log::Settings& log)
{
    for (const std::string& error : errors)
        log::error("{}", error);
    try {
        if (errors.empty()) {
            log::start(log);
            return true;
        }
    } catch (const std::exception& error) {
        log::error("{}", error.what());
    }
    log::error("the configuration in use stays");
    return false;
}

std::size_t raise_open_files_limit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    if (limit.rlim_cur < limit.rlim_max && ::setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return raised.rlim_cur;
    return limit.rlim_cur;
}

void make_directory(const std::string& path)
{
    for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
        const std::string part = path.substr(0, end);
        if (::mkdir(part.c_str(), directory_mode) != 0 && errno != EEXIST)
            throw std::runtime_error("cannot make directory " + part + ": " + std::generic_category().message(errno));
        if (end == std::string::npos)
            break;
    }
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        throw std::runtime_error("cannot look at directory " + path + ": " + std::generic_category().message(errno));
    if (!S_ISDIR(status.st_mode))
        throw std::runtime_error("cannot make directory " + path + ": the path exists and is no directory");
}

} // namespace smtpauth
