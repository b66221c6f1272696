#include "filter/conversation.hpp"

#include <charconv>
#include <optional>

#include "filter/identity.hpp"

namespace smtpauth {

namespace {

/// What the recipients of one message may take, in octets: ten thousand of usual length fit, and the record that
/// carries them stays below the stream's largest frame.
constexpr std::size_t max_recipient_bytes = std::size_t{2} * 1024 * 1024;

/// What mail gets that is to be held by an MTA that cannot.
constexpr std::string_view cannot_hold = "451 4.7.1 Please try again later";

/// What mail gets whose record cannot be kept.
constexpr std::string_view cannot_keep = "451 4.3.0 Please try again later";

/// Refuses at once. Mail can be held at its end only; the checks are asked again there.
bool refuses(const Verdict& verdict)
{
    return !verdict.passes() && verdict.action != event::Action::hold;
}

/// The milter answer to a verdict. Mail on which a rule only warns goes on.
milter::Answer answer_to(const Verdict& verdict)
{
    using Kind = milter::Answer::Kind;
    switch (verdict.action) {
    case event::Action::accept:
    case event::Action::warn:
        return {};
    case event::Action::hold:
        return {Kind::hold, verdict.reply};
    case event::Action::reject:
    case event::Action::tempfail:
        return {Kind::reply_code, verdict.reply};
    case event::Action::discard:
        return {Kind::discard};
    }
    return {};
}

} // namespace

Conversation::Conversation(const Site& site, SizeSource& size_source)
    : site_(site),
      size_source_(size_source),
      session_(wish({.counts_size = size_source.must_count(), .answers_recipients = site.config->answers_recipients}),
               {.max_packet_bytes = site.config->max_packet_bytes, .max_idle_packets = site.config->max_idle_packets})
{
    begin_client();
}

Conversation::Step Conversation::next()
{
    for (;;) {
        milter::Step step = session_.next();
        if (std::holds_alternative<milter::NeedInput>(step))
            return Idle{};
        if (auto* closed = std::get_if<milter::Closed>(&step))
            return Close{std::move(closed->error)};
        const auto& received = std::get<milter::Received>(step);
        if (received.drops_message)
            end_message();
        if (auto turn = std::visit([this](const auto& command) { return on(command); }, received.command))
            return *turn;
    }
}

template <class Other>
Conversation::Turn Conversation::on(const Other& /*other*/)
{
    proceed();
    return std::nullopt;
}

Conversation::Turn Conversation::on(const milter::Connect& connect)
{
    begin_client();
    client_.port = connect.port;
    client_.speaks_smtp =
        connect.port != 0 || (connect.family != milter::Family::ipv4 && connect.family != milter::Family::ipv6);
    if (connect.family == milter::Family::unix_socket) {
        client_.address = connect.address;
    } else if (const auto ip = IpAddress::parse(connect.address)) {
        client_.address = ip->to_string();
        client_.place = site_.locate(*ip);
    }
    proceed();
    return std::nullopt;
}

Conversation::Turn Conversation::on(const milter::QuitNewConnection& /*quit*/)
{
    begin_client();
    proceed();
    return std::nullopt;
}

void Conversation::begin_client()
{
    client_ = {};
    client_.connect_time = site_.clock.now();
}

Conversation::Turn Conversation::on(const milter::Mail& mail)
{
    begin_message();
    record_->sender = milter::without_brackets(mail.sender);
    record_->eom_time = site_.clock.now(); // limits know no other clock
    Verdict verdict = site_.checks->at_mail(*record_);
    if (refuses(verdict))
        return refuse(std::move(verdict), event::Stage::mail);
    proceed();
    return std::nullopt;
}

void Conversation::begin_message()
{
    Account account = find_account(session_.macros(), site_.config->identity, site_.config->auth_id_normalize);
    record_ = std::make_unique<event::Record>();
    record_->type = event::RecordType::attempt; // until it comes to an end
    record_->client_address = client_.address;
    record_->client_port = client_.port;
    record_->connect_time = client_.connect_time;
    record_->country = client_.place.country;
    record_->asn = client_.place.asn;
    record_->auth_id = std::move(account.id);
    record_->auth_id_raw = std::move(account.raw);
    size_ = {};
}

Conversation::Turn Conversation::on(const milter::Rcpt& rcpt)
{
    // With SMFIP_RCPT_REJ the MTA also tells of recipients that it refused itself: they are no part of the mail.
    if (session_.macros().find("{rcpt_mailer}") == "error") {
        ++record_->rcpt_refused;
        proceed();
        return std::nullopt;
    }

    const std::string_view recipient = milter::without_brackets(rcpt.recipient);
    if (may_refuse_recipients())
        if (Verdict verdict = judge_recipient(recipient); refuses(verdict))
            return refuse(std::move(verdict), event::Stage::rcpt, recipient);
    if (record_->recipients.size() < site_.config->max_recipients &&
        record_->recipients.size_bytes() + recipient.size() < max_recipient_bytes)
        record_->recipients.append(recipient);
    else
        ++record_->rcpt_unlisted;
    proceed();
    return std::nullopt;
}

/// A Postfix that did not get the mail by SMTP takes a refused recipient for an error of configuration.
bool Conversation::may_refuse_recipients() const
{
    return session_.reply_is_due() && client_.speaks_smtp;
}

/// One that may be named is reserved.
Verdict Conversation::judge_recipient(std::string_view recipient)
{
    record_->eom_time = site_.clock.now();
    Verdict verdict = site_.checks->at_recipient(*record_, recipient);
    if (!refuses(verdict) && site_.config->answers_recipients) {
        if (!reservation_)
            reservation_ =
                std::make_unique<Reservation>(site_.reservations, *record_, reserving_scopes(site_.config->limits));
        reservation_->add({.recipients = 1});
    }
    return verdict;
}

Conversation::Turn Conversation::on(const milter::Header& header)
{
    size_.add(header, session_.agreement().has(milter::protocol::header_leading_space));
    proceed();
    return std::nullopt;
}

Conversation::Turn Conversation::on(const milter::Body& body)
{
    size_.add(body.chunk);
    proceed();
    return std::nullopt;
}

Conversation::Turn Conversation::on(const milter::EndOfMessage& end)
{
    size_.add(end.chunk);
    read_size();
    record_->queue_id = session_.macros().find("i").value_or("");
    record_->type = event::RecordType::message;
    record_->stage = event::Stage::eom;
    record_->eom_time = site_.clock.now();
    reservation_.reset(); // nobody else has taken what it held: it is judged like any other
    verdict_ = site_.checks->at_end_of_message(*record_);
    if (verdict_.action == event::Action::hold && !session_.agreement().may(milter::action::quarantine)) {
        verdict_.action = event::Action::tempfail;
        verdict_.reply = cannot_hold;
    }
    set_verdict(*record_, verdict_);
    block_if_due(*record_, verdict_);
    const bool goes_on = verdict_.passes() || verdict_.action == event::Action::hold;
    if (!goes_on && site_.folding.absorb(*record_)) {
        committed();
        return std::nullopt;
    }
    site_.accounts.apply(*record_);
    return Commit{*record_, goes_on};
}

void Conversation::read_size()
{
    const auto macro = size_source_.reads_macro() ? session_.macros().find("{msg_size}") : std::nullopt;
    size_source_.learn(macro.has_value());
    std::uint64_t size = 0;
    if (macro && std::from_chars(macro->data(), macro->data() + macro->size(), size).ec == std::errc{}) {
        record_->size_bytes = size;
    } else if (!session_.agreement().has(milter::protocol::no_headers)) {
        size_.add_empty_line(); // the end of the headers was not asked for
        record_->size_bytes = size_.value();
    }
}

/// @param recipient  the one that is refused: the message goes on with the others. Nothing: the message is refused.
/// @return  nothing: it was one of very many, and is answered.
Conversation::Turn Conversation::refuse(Verdict verdict, event::Stage stage, std::optional<std::string_view> recipient)
{
    verdict_ = std::move(verdict);
    PackedStrings others = std::move(record_->recipients); // there may be very many
    record_->recipients.clear();
    refusal_ = std::make_unique<event::Record>(*record_);
    record_->recipients = std::move(others);
    refusal_->type = event::RecordType::refusal;
    refusal_->stage = stage;
    refusal_->eom_time = site_.clock.now();
    refusal_->rcpt_unlisted = refusal_->rcpt_refused = 0;
    if (recipient)
        refusal_->recipients.append(*recipient);
    set_verdict(*refusal_, verdict_);
    block_if_due(*refusal_, verdict_);
    if (!site_.folding.absorb(*refusal_))
        return Commit{*refusal_, false};
    committed();
    return std::nullopt;
}

void Conversation::set_verdict(event::Record& record, const Verdict& verdict)
{
    record.action = verdict.action;
    record.rule = verdict.rule;
    record.reason = verdict.reason();
}

void Conversation::block_if_due(const event::Record& record, const Verdict& verdict)
{
    if (const auto block = site_.automatic_blocks.decide(record, verdict))
        site_.keep(*block);
}

/// An idle connection keeps no message. One that came to no end may have been an attempt to find out addresses.
void Conversation::end_message()
{
    reservation_.reset();
    if (!record_)
        return;
    if (record_->type == event::RecordType::attempt && record_->rcpt_refused != 0 &&
        counts_attempts(site_.config->limits, *record_)) {
        record_->eom_time = site_.clock.now();
        record_->recipients.clear();
        record_->rcpt_unlisted = 0;
        if (!site_.folding.absorb(*record_))
            site_.keep(*record_);
    }
    record_.reset();
}

void Conversation::not_committed()
{
    site_.accounts.take_back(*record_);
    verdict_ = {event::Action::tempfail, std::string(cannot_keep), {}};
    committed();
}

void Conversation::committed()
{
    session_.answer(answer_to(verdict_));
    verdict_ = {};
    refusal_.reset();
    if (!in_message()) {
        reservation_.reset();
        record_.reset();
    }
}

} // namespace smtpauth
