#include "collector/delivery/alarms.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <utility>

#include "collector/alert/mail_outcome.hpp"
#include "collector/alert/mail_text.hpp"
#include "collector/alert/notice_json.hpp"
#include "collector/delivery/hook_program.hpp"
#include "collector/delivery/smtp_sender.hpp"
#include "common/log.hpp"
#include "common/read_file.hpp"
#include "common/replace_file.hpp"

namespace smtpauth {

namespace {

constexpr std::chrono::milliseconds look_every(500);

/// How old the state file may be where only counts have changed: the logs have the rest.
constexpr std::chrono::minutes state_age(1);

constexpr mode_t state_mode = 0640;
constexpr std::uint64_t max_state_bytes = std::uint64_t{256} * 1024 * 1024;

/// A word that may stand in a Message-ID and behind an @.
std::string host_name()
{
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0)
        return "localhost";
    std::string host(name.data());
    std::erase_if(host, [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.');
    });
    return host.empty() ? "localhost" : host;
}

void log_failure(const std::exception_ptr& failure)
{
    try {
        if (failure)
            std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        log::error("alarms: {}", error.what());
    }
}

} // namespace

Alarms::Alarms(Files files, const AlarmSettings& settings, const Clock& clock, Disk& disk)
    : files_(std::move(files)),
      host_(host_name()),
      clock_(clock),
      disk_(disk),
      settings_(settings),
      incidents_(settings.incidents),
      mail_(settings.mail_outbox()),
      hook_(settings.hook_outbox())
{
    load();
}

Alarms::~Alarms()
{
    io_.stop();
    if (thread_.joinable())
        thread_.join();
    urgent_ = urgent_ || changed_;
    save_if_changed();
}

void Alarms::load()
{
    struct stat status {};
    if (disk_.status(files_.state, status) != 0 && errno == ENOENT)
        return;
    const FileContent file = read_file(files_.state, max_state_bytes, SymbolicLink::refuse);
    auto state = file.error.empty() ? parse_alarm_state(file.text) : std::nullopt;
    if (!state) {
        log::error("{}: {}; alarms of the last hour may come again, what was not delivered is not known", files_.state,
                   file.error.empty() ? "not as this program writes it" : file.error);
        return;
    }
    has_state_ = true;
    stats_ = std::move(state->stats);
    rejects_ = std::move(state->rejects);
    incidents_.restore(std::move(state->open));
    for (const Alarm& alarm : state->mail)
        mail_.add(alarm);
    for (const Alarm& alarm : state->hook)
        hook_.add(alarm);
}

bool Alarms::wants(const event::RecordId& id, bool passed, event::Time time) const
{
    const bool is_known = (passed ? stats_ : rejects_).has(id);
    return (has_state_ && !is_known) || clock_.now() - time < RecentMail::keep;
}

void Alarms::replay(const event::RecordId& id, const event::Record& record)
{
    if (cursors(event::passed(record)).has(id))
        incidents_.remember(record);
    else
        add(id, record);
}

void Alarms::add(const event::RecordId& id, const event::Record& record)
{
    const event::Time now = clock_.now();
    const std::lock_guard lock(mutex_);
    Cursors& known = cursors(event::passed(record));
    if (known.has(id))
        return;
    known.advance(id);
    incidents_.add(id, record, now);
    changed_ = true;
}

void Alarms::start()
{
    schedule();
    thread_ = std::thread([this] { io_.run(); });
}

void Alarms::schedule()
{
    timer_.expires_after(look_every);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error)
            return;
        turn();
        schedule();
    });
}

void Alarms::set(const AlarmSettings& settings)
{
    const std::lock_guard lock(mutex_);
    settings_ = settings;
    incidents_.set(settings.incidents);
    mail_.set(settings.mail_outbox());
    hook_.set(settings.hook_outbox());
    changed_ = true;
}

AlarmStatus Alarms::status() const
{
    const std::lock_guard lock(mutex_);
    return {.open = incidents_.open().size(),
            .raised = raised_,
            .memory = incidents_.memory(),
            .max_bytes = settings_.incidents.max_bytes,
            .mail_is_on = !settings_.mail.to.empty(),
            .hook_is_on = !settings_.hook.hook.empty(),
            .mail = mail_.status(),
            .hook = hook_.status()};
}

void Alarms::turn()
{
    raise();
    save_if_changed();
    begin_deliveries();
}

void Alarms::raise()
{
    std::vector<Alarm> alarms;
    {
        const std::lock_guard lock(mutex_);
        alarms = incidents_.take_due(clock_.now());
        const std::uint64_t given_up = mail_.status().given_up + hook_.status().given_up;
        for (const Alarm& alarm : alarms) {
            mail_.add(alarm);
            hook_.add(alarm);
        }
        const std::uint64_t dropped = mail_.status().given_up + hook_.status().given_up - given_up;
        if (dropped != 0)
            log::error("alarms: {} given up: more than {} wait for delivery (max_waiting)", dropped,
                       settings_.max_waiting);
        raised_ += alarms.size();
        urgent_ = urgent_ || !alarms.empty();
    }
    // Before the state says that it was told: twice is better than never.
    for (const Alarm& alarm : alarms) {
        if (alarm.event != Alarm::Event::closed)
            log::warning("{}", log_line(alarm));
        else
            log::info("{}", log_line(alarm));
    }
}

void Alarms::save_if_changed()
{
    std::unique_lock lock(mutex_);
    const bool due = clock_.steady_now() - saved_ >= state_age;
    if (!urgent_ && !(changed_ && due))
        return;
    urgent_ = changed_ = false;
    saved_ = clock_.steady_now();
    const AlarmState copy = state();
    lock.unlock();
    const auto error = replace_file(disk_, files_.state, state_to_text(copy), state_mode);
    if (error && save_error_.empty())
        log::error("{}; alarms go out all the same, and may be forgotten or come twice after a restart", *error);
    if (!error && !save_error_.empty())
        log::info("{}: can be written again", files_.state);
    save_error_ = error.value_or("");
    lock.lock();
    changed_ = changed_ || error;
}

AlarmState Alarms::state() const
{
    return {stats_, rejects_, incidents_.open(), mail_.undelivered(), hook_.undelivered()};
}

void Alarms::begin_deliveries()
{
    const auto now = clock_.steady_now();
    std::unique_lock lock(mutex_);
    auto mail = mail_.begin(now);
    auto hook = hook_.begin(now);
    const AlarmSettings settings = settings_;
    lock.unlock();
    // Each runs at once, as far as it gets without waiting: perhaps to its end, where it wants the lock.
    if (mail)
        asio::co_spawn(io_, deliver_by_mail(*std::move(mail), settings.mail), log_failure);
    if (hook)
        asio::co_spawn(io_, deliver_by_hook(std::move(hook->notice), settings.hook), log_failure);
}

Task<void> Alarms::deliver_by_mail(Outbox::Delivery delivery, MailSettings mail)
{
    const std::vector<std::string> to = still_wanted(delivery.left_to, mail.to);
    Outcome outcome;
    if (!to.empty()) {
        const std::string from = mail.from.empty() ? "smtpauth-log-collector@" + host_ : mail.from;
        // Named, all of them: g++ 12 destroys temporaries of a co_await in the wrong place (GCC bug 98401).
        const MailAddresses addresses{from, mail.to};
        const Notice notice = delivery.was_refused ? without_recipients(delivery.notice) : delivery.notice;
        SmtpDialogue::Letter letter{host_, mail.from, to, mail_of(notice, place(), addresses)};
        const bool plain = without_tls_ && mail.starttls == StartTls::opportunistic;
        SmtpDialogue dialogue(std::move(letter), plain ? StartTls::off : mail.starttls);
        const SmtpServer server{mail.smtp,     mail.smtp_timeout, mail.answer_timeout(), mail.whole_timeout(),
                                mail.tls_name, mail.tls_ca_file};
        co_await deliver_mail(io_, server, dialogue);
        without_tls_ = dialogue.tls_failed();
        outcome = outcome_of(dialogue, to);
        if (!outcome.error.empty())
            outcome.error = to_string(mail.smtp) + ": " + outcome.error;
    }
    const std::lock_guard lock(mutex_);
    finish(mail_, "mail", outcome);
}

Task<void> Alarms::deliver_by_hook(Notice notice, HookSettings settings)
{
    const std::string input = json_of(notice, place());
    const HookOutcome ended = co_await run_hook(io_, settings.hook, input, settings.hook_timeout);
    for (const std::string& line : ended.output)
        log::info("alarm hook: {}", line);
    Outcome outcome;
    if (!ended.error.empty())
        outcome = {Outcome::Kind::notice_failed, settings.hook.front() + " " + ended.error, {}};
    const std::lock_guard lock(mutex_);
    finish(hook_, "hook", outcome);
}

/// With the lock.
void Alarms::finish(Outbox& outbox, const char* what, const Outcome& outcome)
{
    const std::size_t given_up = outbox.finish(outcome, clock_.now(), clock_.steady_now());
    const bool delivered = outcome.kind == Outcome::Kind::delivered;
    urgent_ = urgent_ || delivered || given_up != 0;
    asio::post(io_, [this] { save_if_changed(); }); // the sooner it is known, the less comes twice after a kill
    if (!outcome.error.empty())
        log::error("alarm {} {}: {}", what, delivered ? "delivered, but not to all" : "not delivered", outcome.error);
    if (given_up != 0)
        log::error("alarm {}: {} given up, too old or refused too often", what, given_up);
}

} // namespace smtpauth
