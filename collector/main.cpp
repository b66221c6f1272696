// smtpauth-log-collector: wiring. Reads the configuration, reads back what the logs have, builds the parts,
// runs the loop.

#include <ctime>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "collector/config.hpp"
#include "collector/delivery/alarms.hpp"
#include "collector/receiver.hpp"
#include "collector/rrd/rrd_writer.hpp"
#include "collector/stats_log/log_worker.hpp"
#include "collector/stats_log/record_logs.hpp"
#include "collector/stats_log/retention_worker.hpp"
#include "collector/status.hpp"
#include "common/asio.hpp"
#include "common/clock.hpp"
#include "common/control_server.hpp"
#include "common/daemon.hpp"
#include "common/daemon_status.hpp"
#include "common/log.hpp"
#include "common/service_manager.hpp"
#include "common/socket_activation.hpp"

namespace smtpauth {

namespace {

constexpr auto program = "smtpauth-log-collector";

/// How long a stopping collector waits for the disk to take what was received.
constexpr std::chrono::seconds stop_timeout{10};

RecordLogs::Files log_files(const CollectorConfig& config)
{
    return {config.stats_log, config.rejects_log, config.state_directory + "/collector.state"};
}

RecordLogs::Settings record_log_settings(const CollectorConfig& config)
{
    return {config.log_recipients, config.durability};
}

Retention::Settings retention_settings(const CollectorConfig& config)
{
    return {config.keep_days, config.compress_after_days};
}

void make_directories(const CollectorConfig& config)
{
    make_directory(config.state_directory);
    make_directory(config.rrd_directory);
    make_directory(std::filesystem::path(config.stats_log).parent_path());
    make_directory(std::filesystem::path(config.rejects_log).parent_path());
}

class Collector {
public:
    Collector(CommandLine command_line, CollectorConfig config)
        : command_line_(std::move(command_line)),
          config_(std::move(config)),
          service_manager_(io_),
          handed_over_(SocketActivation::from_environment()),
          signals_(
              io_,
              {.on_reload = [this] { reload(); }, .on_reopen = [this] { reopen(); }, .on_stop = [this] { stop(); }}),
          stop_timer_(io_),
          rrd_(config_.rrd_directory, config_.rrd_delay, clock_),
          alarms_({config_.state_directory + "/alarms.json", config_.stats_log}, config_.alarm, clock_),
          logs_(log_files(config_), record_log_settings(config_), clock_,
                [this](const TrafficSample& sample) { rrd_.add(sample); }),
          receiver_(io_, handed_over_.open(config_.listen, config_.listen_options), config_.event_peers,
                    [this](Batch batch) { worker_.submit(std::move(batch)); }),
          control_(open_control()),
          worker_(open_logs(),
                  [this](Batch batch) {
                      asio::post(io_,
                                 [this, done = std::move(batch)]() mutable { receiver_.batch_done(std::move(done)); });
                  }),
          retention_({config_.stats_log, config_.rejects_log}, retention_settings(config_), clock_),
          retention_worker_(retention_)
    {
        rrd_.start();
        alarms_.start();
        receiver_.start();
        log::info("listening on {}", to_string(config_.listen));
        service_manager_.ready("serving");
    }

    void run() { io_.run(); }

private:
    /// Before the first record comes: a log that cannot be opened at the start is the administrator's to mend.
    RecordLogs& open_logs()
    {
        logs_.show_to(alarms_);
        if (const auto error =
                logs_.read_back(rrd_.first_unwritten(), [this](const TrafficSample& sample) { rrd_.recount(sample); }))
            throw std::runtime_error(*error);
        if (const auto error = logs_.open())
            throw std::runtime_error(*error);
        return logs_;
    }

    std::unique_ptr<ControlServer> open_control()
    {
        std::unique_ptr<ControlServer> server;
        if (config_.control)
            server = std::make_unique<ControlServer>(
                io_, handed_over_.open(*config_.control, ControlServer::listen_options()), commands());
        handed_over_.expect_none_left();
        return server;
    }

    ControlCommands commands() const
    {
        ControlCommands commands(ControlAdministrators::of_this_process());
        commands.add("status", ControlCommands::Effect::looks, [this](const json::object&) {
            return daemon_status(clock_.steady_now() - started_, to_json(status()));
        });
        return commands;
    }

    CollectorStatus status() const
    {
        return {receiver_.filters(), receiver_.waiting(), worker_.status(),
                config_.stats_log,   config_.rejects_log, alarms_.status()};
    }

    /// HUP: all of the new configuration or nothing of it.
    void reload()
    {
        service_manager_.reloading();
        take_new_configuration();
        service_manager_.ready("serving");
    }
    void take_new_configuration();
    /// USR1: somebody renamed the files.
    void reopen();
    /// TERM: read no more, write and acknowledge what was read, end. A second time: end now.
    void stop();

    CommandLine command_line_;
    CollectorConfig config_;
    asio::io_context io_{1};         // one thread; post() from the worker stays legal
    ServiceManager service_manager_; ///< this and the next before there is a thread
    SocketActivation handed_over_;
    SystemClock clock_;
    Clock::SteadyTime started_ = clock_.steady_now();
    Signals signals_; ///< before anybody can see that it is there; they are looked at once it runs
    Timer stop_timer_;
    bool stopping_ = false;
    RrdWriter rrd_;
    Alarms alarms_;
    RecordLogs logs_;
    Receiver receiver_;
    std::unique_ptr<ControlServer> control_; ///< opened before there are threads
    LogWorker worker_;                       ///< after what its thread uses
    Retention retention_;
    RetentionWorker retention_worker_;
};

/// Settings that the running process cannot take over.
bool needs_restart(const CollectorConfig& before, const CollectorConfig& after)
{
    return before.listen != after.listen || before.listen_options != after.listen_options ||
           before.control != after.control || before.stats_log != after.stats_log ||
           before.rejects_log != after.rejects_log || before.rrd_directory != after.rrd_directory ||
           before.state_directory != after.state_directory;
}

void Collector::take_new_configuration()
{
    auto loaded = load_collector_config(command_line_.config);
    if (!begin_reload(loaded.errors, log_settings(loaded.config.log, command_line_)))
        return;
    if (needs_restart(config_, loaded.config))
        log::warning("listen, listen_mode, listen_group, control, stats_log, rejects_log, rrd_directory and "
                     "state_directory hold from the next start on");
    receiver_.set_peers(loaded.config.event_peers);
    worker_.set(record_log_settings(loaded.config));
    retention_worker_.set(retention_settings(loaded.config));
    rrd_.set_delay(loaded.config.rrd_delay);
    alarms_.set(loaded.config.alarm);
    log::info("configuration reloaded");
}

void Collector::reopen()
{
    log::reopen();
    worker_.reopen();
}

void Collector::stop()
{
    if (std::exchange(stopping_, true))
        return io_.stop();
    log::info("stopping");
    service_manager_.stopping("what was received is written");
    stop_timer_.expires_after(stop_timeout);
    stop_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error)
            return;
        log::error("the logs did not take everything within {} s; the filters will send it again",
                   stop_timeout.count());
        io_.stop();
    });
    receiver_.stop([this] {
        log::info("ended");
        io_.stop();
    });
}

/// Settings of parts that are not built yet: whoever changed one should know.
bool sets_what_does_nothing_yet(const CollectorConfig& config)
{
    const CollectorConfig defaults;
    return config.http != defaults.http;
}

void serve(const CommandLine& command_line, const CollectorConfig& config)
{
    ::tzset();
    raise_open_files_limit();
    if (sets_what_does_nothing_yet(config))
        log::warning("http has no effect yet");
    make_directories(config);
    Collector collector(command_line, config);
    collector.run();
}

} // namespace

} // namespace smtpauth

int main(int argc, char** argv)
{
    using namespace smtpauth;
    const auto load = [](const CommandLine& line) { return load_collector_config(line.config); };
    return run_daemon(argc, argv, program, Instances::one, load, serve);
}
