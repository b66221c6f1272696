// smtpauth-filter: wiring. Reads the configuration, builds the parts, runs the loop; decides nothing about mail.

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/asio.hpp"
#include "common/clock.hpp"
#include "common/control_server.hpp"
#include "common/daemon.hpp"
#include "common/daemon_status.hpp"
#include "common/log.hpp"
#include "common/service_manager.hpp"
#include "common/socket_activation.hpp"
#include "common/watched_id_list.hpp"
#include "filter/account_commands.hpp"
#include "filter/account_store.hpp"
#include "filter/block_store.hpp"
#include "filter/config.hpp"
#include "filter/connection_set.hpp"
#include "filter/instances.hpp"
#include "filter/journal/disk_journal.hpp"
#include "filter/journal/sender.hpp"
#include "filter/listener.hpp"
#include "filter/locator.hpp"
#include "filter/policy/block_check.hpp"
#include "filter/policy/limit_check.hpp"
#include "filter/policy/reject_list.hpp"
#include "filter/site.hpp"
#include "filter/status.hpp"
#include "proto/milter/reply.hpp"

namespace smtpauth {

namespace {

constexpr auto program = "smtpauth-filter";

/// Requested action not taken for policy reasons (RFC 5321, 4.2.3).
constexpr int reject_code = 550;

/// Descriptors besides those of connections: listeners, databases, the stream, the log.
constexpr std::size_t spare_descriptors = 64;

class Filter {
public:
    Filter(CommandLine command_line, const FilterConfig& config)
        : command_line_(std::move(command_line)),
          service_manager_(io_),
          handed_over_(SocketActivation::from_environment()),
          accounts_(account_settings(config)),
          blocks_(io_, background_, system_disk(), config.state_directory + "/blocks.ltsv"),
          site_{.clock = clock_,
                .config = std::make_shared<const FilterConfig>(config),
                .checks = {},
                .locate = [this](const IpAddress& address) { return locator_.locate(address); },
                .accounts = accounts_,
                .reservations = reservations_,
                .automatic_blocks = automatic_blocks_,
                .folding = folding_,
                .keep = [this](const event::Record& record) { keep(record); }},
          account_store_(io_, background_, clock_, system_disk(), config.state_directory + "/accounts", accounts_, {}),
          journal_(io_, config, clock_, system_disk(),
                   DiskJournal::Consumer{[this](std::uint64_t sequence, const event::Record& record) {
                                             account_store_.recover(sequence, record);
                                             blocks_.recover(sequence, record);
                                         },
                                         [this] { return std::min(account_store_.passed(), blocks_.passed()); }}),
          sender_(journal_.catalogue(),
                  {.collector = config.collector, .instance = filter_name(config.instance), .journal = journal_.id()}),
          connections_(io_, site_, journal_),
          drain_timer_(io_),
          signals_(
              io_,
              {.on_reload = [this] { reload(); }, .on_reopen = [] { log::reopen(); }, .on_stop = [this] { stop(); }})
    {
        journal_.on_release([this] { sender_.sender().wake(); });
        make_directory(config.state_directory);
        account_store_.start([this] { return journal_.last(); });
        blocks_.start(journal_.last());
        locator_.load(config);
        follow_reject_list();
        build_checks();
        open_sockets();
        service_manager_.ready("serving");
    }

    void run() { io_.run(); }

private:
    static AccountState::Settings account_settings(const FilterConfig& config)
    {
        const auto is_for_all = [](const LimitRule& rule) { return rule.unauthenticated; };
        return {.keep = longest_windows(config.limits),
                .unauthenticated_senders = std::any_of(config.limits.begin(), config.limits.end(), is_for_all),
                .recipients = knows_recipients(config.limits),
                .max_bytes = config.state_max_bytes};
    }

    void open_sockets()
    {
        const FilterConfig& config = *site_.config;
        for (const SocketSpec& spec : config.listen) {
            listeners_.emplace_back(io_, handed_over_.open(spec, config.listen_options), site_, connections_);
            log::info("listening on {}", to_string(spec));
        }
        if (config.control)
            control_.emplace(io_, handed_over_.open(*config.control, ControlServer::listen_options()), commands());
        handed_over_.expect_none_left();
    }

    ControlCommands commands()
    {
        ControlCommands commands(ControlAdministrators::of_this_process());
        commands.add("status", ControlCommands::Effect::looks, [this, start = site_.config](const json::object&) {
            return daemon_status(clock_.steady_now() - started_, to_json(status(*start), clock_.now()));
        });
        add_account_commands(commands, site_, journal_, blocks_);
        return commands;
    }

    FilterStatus status(const FilterConfig& start)
    {
        return {.connections = connections_.size(),
                .held_bytes = connections_.held_bytes(),
                .decisions = {connections_.decisions().passed, connections_.decisions().refused + folding_.absorbed()},
                .closed = connections_.closed().counts(),
                .accounts = accounts_.figures(),
                .state_max_bytes = site_.config->state_max_bytes,
                .last = journal_.last(),
                .acknowledged = journal_.catalogue().acknowledged(),
                .waiting_replies = journal_.waiting_replies(),
                .journal = journal_.figures(),
                .journal_max_bytes = start.journal_max_bytes,
                .sender = sender_.sender().figures(),
                .collector = to_string(start.collector)};
    }

    void follow_reject_list()
    {
        const FilterConfig& config = *site_.config;
        // A new name that cannot be read must not let everybody pass.
        reject_ids_ = std::make_shared<WatchedIdList>(io_, background_, config.reject_ids, config.auth_id_normalize,
                                                      clock_, reject_ids_ ? reject_ids_->current() : nullptr);
    }

    void build_checks()
    {
        std::vector<std::unique_ptr<const Check>> checks;
        checks.push_back(std::make_unique<RejectListCheck>([list = reject_ids_] { return list->current(); },
                                                           milter::smtp_reply(reject_code, site_.config->reject_text)));
        checks.push_back(
            std::make_unique<BlockCheck>(blocks_.list(), milter::smtp_reply(reject_code, site_.config->block_text)));
        const LimitTerms terms{&blocks_.list(), site_.config->probation_percent, &reservations_};
        for (const LimitRule& rule : site_.config->limits)
            checks.push_back(std::make_unique<LimitCheck>(rule, accounts_, terms));
        accounts_.set(account_settings(*site_.config));
        reservations_.set_timeout(site_.config->reservation_timeout);
        automatic_blocks_.set(site_.config->automatic_blocks);
        folding_.set(site_.config->refusals_per_minute);
        site_.checks = std::make_shared<const CheckList>(std::move(checks));
    }

    /// A record that no answer waits for. Of a block that cannot be saved the store says so, and tries again.
    void keep(const event::Record& record)
    {
        journal_.append(record, nullptr);
        accounts_.apply(record);
        if (record.type != event::RecordType::block)
            return;
        log::warning("{} {}: {}", printable_id(record.auth_id),
                     record.until == event::Time{} ? "would be blocked" : "blocked", record.reason);
        if (record.until != event::Time{})
            blocks_.change(journal_.last(), record, [](const std::optional<std::string>&) {});
    }

    /// HUP: all of the new configuration or nothing of it. No session ends.
    void reload()
    {
        service_manager_.reloading();
        take_new_configuration();
        service_manager_.ready("serving");
    }
    void take_new_configuration();

    /// TERM: accept no more, let messages end. A second time: end now.
    void stop();

    CommandLine command_line_;
    asio::io_context io_{1};         // one thread; post() from others stays legal
    ServiceManager service_manager_; ///< this and the next before there is a thread
    SocketActivation handed_over_;
    SystemClock clock_;
    Clock::SteadyTime started_ = clock_.steady_now();
    Background background_{io_};
    Locator locator_{io_, background_};
    AccountState accounts_;
    Reservations reservations_;
    BlockStore blocks_;
    AutomaticBlocks automatic_blocks_{blocks_.list()};
    RefusalFolding folding_;
    Site site_;
    std::shared_ptr<WatchedIdList> reject_ids_;
    AccountStore account_store_;
    DiskJournal journal_;
    SenderThread sender_;
    ConnectionSet connections_;
    std::list<Listener> listeners_;
    std::optional<ControlServer> control_;
    Timer drain_timer_;
    bool stopping_ = false;
    Signals signals_;
};

/// Settings that the running process cannot take over: what it listens on, and what it has allocated.
bool needs_restart(const FilterConfig& before, const FilterConfig& after)
{
    return before.listen != after.listen || before.listen_options != after.listen_options ||
           before.control != after.control || before.collector != after.collector ||
           before.state_directory != after.state_directory || before.queue_max_bytes != after.queue_max_bytes ||
           before.journal_directory != after.journal_directory || before.journal_max_bytes != after.journal_max_bytes ||
           before.on_journal_full != after.on_journal_full || before.durability != after.durability ||
           before.message_size != after.message_size;
}

void Filter::take_new_configuration()
{
    auto loaded = load_filter_config(command_line_.config, command_line_.instance);
    if (!begin_reload(loaded.errors, log_settings(loaded.config.log, command_line_)))
        return;
    const std::shared_ptr<const FilterConfig> before = site_.config;
    site_.config = std::make_shared<const FilterConfig>(std::move(loaded.config));
    if (needs_restart(*before, *site_.config))
        log::warning("listen, listen_mode, listen_group, control, collector, state_directory, journal_directory, "
                     "journal_max_bytes, on_journal_full, durability, queue_max_bytes and message_size hold from the "
                     "next start on");
    locator_.reload(*site_.config);
    follow_reject_list(); // anew in any case: a folder above it may be another one by now
    build_checks();
    if (site_.config->answers_recipients && !before->answers_recipients && connections_.size() != 0)
        log::info(
            "{} connections are older than over = \"recipient\": their MTAs wait for no answer to recipients, and "
            "such limits judge their messages as a whole",
            connections_.size());
    if (before->auth_id_normalize != site_.config->auth_id_normalize)
        log::warning(
            "auth_id_normalize is another one: blocks, and what accounts were charged, stand under the old names");
    log::info("configuration reloaded");
}

void Filter::stop()
{
    if (std::exchange(stopping_, true))
        return io_.stop();
    log::info("stopping: {} connections are open", connections_.size());
    service_manager_.stopping("messages that are under way end");
    for (Listener& listener : listeners_)
        listener.stop();
    drain_timer_.expires_after(site_.config->drain_timeout);
    drain_timer_.async_wait([this](const boost::system::error_code& error) {
        if (error)
            return;
        log::warning("{} connections end in mid-message: drain_timeout is over", connections_.size());
        connections_.close();
    });
    connections_.drain([this] {
        drain_timer_.cancel();
        for (const event::Record& refusals : folding_.take_all())
            keep(refusals);
        log::info("ended");
        io_.stop();
    });
}

/// Settings of parts that are not built yet: whoever changed one should know.
bool sets_what_does_nothing_yet(const FilterConfig& config)
{
    return config.threads != FilterConfig().threads;
}

void serve(const CommandLine& command_line, const FilterConfig& config)
{
    if (const std::size_t files = raise_open_files_limit(); files < config.max_connections + spare_descriptors)
        log::warning("the limit of {} open files is too low for {} connections (max_connections)", files,
                     config.max_connections);
    if (sets_what_does_nothing_yet(config))
        log::warning("threads has no effect yet");
    Filter filter(command_line, config);
    filter.run();
}

} // namespace

} // namespace smtpauth

int main(int argc, char** argv)
{
    using namespace smtpauth;
    const auto load = [](const CommandLine& line) { return load_filter_config(line.config, line.instance); };
    return run_daemon(argc, argv, program, Instances::several, load, serve);
}
