#include "filter/account_commands.hpp"

#include <chrono>
#include <iterator>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "common/daemon_status.hpp"
#include "common/log.hpp"
#include "filter/policy/limit_check.hpp"
#include "proto/ltsv/ltsv.hpp"

namespace smtpauth {

namespace {

using namespace std::chrono_literals;

/// Octets of what an administrator may say.
constexpr std::size_t longest_id = 4096;
constexpr std::size_t longest_reason = 1000;

constexpr event::Milliseconds longest_time = 24h * 366;

json::string time_text(event::Time time)
{
    return json_text(utc_text(std::chrono::floor<std::chrono::seconds>(time)));
}

json::string id_text(std::string_view id)
{
    return json_text(printable_id(id));
}

/// The arguments of block and unblock.
struct Order {
    std::string id;
    event::Milliseconds time{};
    std::string reason;
};

using ParsedOrder = std::variant<Order, ControlRefusal>;

ControlRefusal wrong(std::string text)
{
    return {"malformed", std::move(text)};
}

ParsedOrder parse(const json::object& arguments, event::Milliseconds usual_time, const IdNormalizer& normalize)
{
    Order order{.id = {}, .time = usual_time, .reason = {}};
    for (const auto& [key, value] : arguments) {
        const auto* text = value.if_string();
        if (key == "id" && text && !text->empty() && text->size() <= longest_id) {
            // As the logs show it: octets that JSON has no place for stand there, too.
            const auto id = ltsv::unescape(std::string_view(*text));
            if (!id || id->find('\0') != std::string::npos)
                return wrong(R"("id": expected an account as the logs show it: a backslash is \\, other octets \xHH)");
            order.id = normalize(*id);
        } else if (key == "reason" && text && text->size() <= longest_reason && text->find('\0') == json::string::npos)
            order.reason = std::string_view(*text);
        else if (key == "seconds" && value.is_int64() && value.get_int64() >= 0 &&
                 value.get_int64() <= std::chrono::floor<std::chrono::seconds>(longest_time).count())
            order.time = std::chrono::seconds(value.get_int64());
        else
            return wrong(
                fmt::format(R"("{}": expected "id" (a text of 1 to {} octets), "seconds" (0 to {}) and "reason" )"
                            "(a text of at most {} octets)",
                            std::string_view(key).substr(0, 64), longest_id,
                            std::chrono::floor<std::chrono::seconds>(longest_time).count(), longest_reason));
    }
    return order.id.empty() ? ParsedOrder(wrong("\"id\" is missing")) : ParsedOrder(std::move(order));
}

class AccountCommands {
public:
    AccountCommands(const Site& site, Journal& journal, BlockStore& blocks)
        : site_(site),
          journal_(journal),
          blocks_(blocks)
    {
    }

    void block(const json::object& arguments, const ControlPeer& peer, const ControlCommands::Reply& reply)
    {
        auto parsed = parse(arguments, site_.config->block_time, site_.config->auth_id_normalize);
        if (auto* refusal = std::get_if<ControlRefusal>(&parsed))
            return reply(std::move(*refusal));
        if (std::get<Order>(parsed).time == 0s)
            return reply(wrong("\"seconds\": expected 1 at least"));
        change(event::RecordType::block, std::get<Order>(parsed), peer, reply);
    }

    void unblock(const json::object& arguments, const ControlPeer& peer, const ControlCommands::Reply& reply)
    {
        auto parsed = parse(arguments, site_.config->probation, site_.config->auth_id_normalize);
        if (auto* refusal = std::get_if<ControlRefusal>(&parsed))
            return reply(std::move(*refusal));
        const Order& order = std::get<Order>(parsed);
        if (!blocks_.list().find(order.id, site_.clock.now()))
            return reply(ControlRefusal{"failed", "this account is not blocked"});
        change(event::RecordType::unblock, order, peer, reply);
    }

    ControlResult list()
    {
        json::array blocked;
        json::array watched;
        const event::Time now = site_.clock.now();
        for (const auto& [id, state] : blocks_.list().states()) {
            if (state.block && now < state.block->until) {
                json::object block{{"id", id_text(id)}};
                for (const auto& [name, value] : as_json(*state.block))
                    block.emplace(name, value);
                blocked.push_back(std::move(block));
            }
            if (state.probation && now < *state.probation)
                watched.push_back({{"id", id_text(id)}, {"until", time_text(*state.probation)}});
        }
        return json::object{{"blocks", std::move(blocked)}, {"probation", std::move(watched)}};
    }

    ControlResult show(const json::object& arguments)
    {
        auto parsed = parse(arguments, {}, site_.config->auth_id_normalize);
        if (auto* refusal = std::get_if<ControlRefusal>(&parsed))
            return std::move(*refusal);
        event::Record mail;
        mail.auth_id = std::get<Order>(parsed).id;
        mail.eom_time = site_.clock.now();
        json::object shown{{"id", id_text(mail.auth_id)}};
        if (const Block* block = blocks_.list().find(mail.auth_id, mail.eom_time))
            shown.emplace("block", as_json(*block));
        if (const auto until = blocks_.list().probation(mail.auth_id, mail.eom_time))
            shown.emplace("probation_until", time_text(*until));
        shown.emplace("limits", limits(mail));
        shown.emplace("networks", networks(mail));
        return shown;
    }

private:
    static json::object as_json(const Block& block)
    {
        return {{"from", time_text(block.from)},
                {"until", time_text(block.until)},
                {"by", json_text(block.by)},
                {"reason", json_text(block.reason)}};
    }

    /// How the account stands with each rule that looks at accounts or domains.
    json::array limits(const event::Record& mail)
    {
        json::array found;
        for (const LimitRule& rule : site_.config->limits) {
            if (rule.scope == Scope::sender)
                continue;
            const LimitCheck check(rule, site_.accounts,
                                   {&blocks_.list(), site_.config->probation_percent, &site_.reservations});
            const LimitCheck::Standing standing = check.standing(mail);
            json::object limit{{"rule", json_text(rule.name)},
                               {"count", json_text(to_text(rule.measure))},
                               {"per", json_text(to_text(rule.scope))},
                               {"window_s", std::chrono::floor<std::chrono::seconds>(rule.window).count()},
                               {"used", standing.used},
                               {"reserved", standing.reserved}};
            limit.emplace("limit", standing.limit ? json::value(*standing.limit) : json::value());
            if (standing.clears > mail.eom_time)
                limit.emplace("clears", time_text(standing.clears));
            found.push_back(std::move(limit));
        }
        return found;
    }

    json::array networks(const event::Record& mail)
    {
        json::array found;
        if (const AccountPast* past = site_.accounts.find(Scope::auth_id, mail.auth_id, mail.eom_time))
            past->networks.for_each([&](NetworkId network, event::Time last) {
                const std::string text = to_text(network);
                json::object one{{"network", json_text(text)}, {"last", time_text(last)}};
                const auto address = IpAddress::parse(std::string_view(text).substr(0, text.find('/')));
                if (const Place place = address ? site_.locate(*address) : Place{}; !place.country.empty())
                    one.emplace("country", json_text(place.country));
                found.push_back(std::move(one));
            });
        return found;
    }

    void change(event::RecordType type, const Order& order, const ControlPeer& peer,
                const ControlCommands::Reply& reply)
    {
        event::Record record;
        record.type = type;
        record.auth_id = order.id;
        record.eom_time = site_.clock.now();
        record.until = record.eom_time + order.time;
        record.rule = by_administrator;
        record.reason = fmt::format("{}{}uid {}", order.reason, order.reason.empty() ? "" : "; ", peer.uid);
        log::info("{} {}: {}", printable_id(order.id), type == event::RecordType::block ? "blocked" : "unblocked",
                  record.reason);

        for (const event::Record& refusals : site_.folding.take_all())
            site_.keep(refusals); // they belong to the time before
        Pending& pending = pending_.emplace_back(*this, reply, id_text(order.id), record.until);
        pending.self = std::prev(pending_.end());
        const bool is_kept = journal_.append(record, &pending);
        site_.accounts.apply(record);
        blocks_.change(journal_.last(), record,
                       [&pending](const std::optional<std::string>& error) { pending.took(error.value_or("")); });
        if (is_kept)
            pending.took("");
    }

    /// An order that is in force: two have to have it before it is answered.
    struct Pending final : CommitWaiter {
        Pending(AccountCommands& owner_, ControlCommands::Reply reply_, json::string id_, event::Time until_)
            : owner(owner_),
              reply(std::move(reply_)),
              id(std::move(id_)),
              until(until_)
        {
        }

        /// The journal has it, or not.
        void committed(Kept kept) override
        {
            took(kept == Kept::yes ? "" : "the journal cannot keep it; rejects.log will not tell of it");
        }

        /// The journal or blocks.ltsv has it, or says why not. Ends this, the second time.
        void took(const std::string& error)
        {
            if (!error.empty())
                problem += (problem.empty() ? "in force, but " : "; ") + error;
            if (--missing != 0)
                return;
            if (problem.empty())
                reply(json::object{{"id", id}, {"until", time_text(until)}});
            else
                reply(ControlRefusal{"failed", problem});
            owner.pending_.erase(self);
        }

        AccountCommands& owner;
        ControlCommands::Reply reply;
        json::string id;
        event::Time until;
        int missing = 2;
        std::string problem;
        std::list<Pending>::iterator self{};
    };

    const Site& site_;
    Journal& journal_;
    BlockStore& blocks_;
    std::list<Pending> pending_;
};

} // namespace

std::string printable_id(std::string_view id)
{
    std::string text;
    ltsv::append_escaped(text, id);
    return text;
}

void add_account_commands(ControlCommands& commands, const Site& site, Journal& journal, BlockStore& blocks)
{
    const auto all = std::make_shared<AccountCommands>(site, journal, blocks);
    commands.add_change("block", [all](const auto& arguments, const auto& peer, const auto& reply) {
        all->block(arguments, peer, reply);
    });
    commands.add_change("unblock", [all](const auto& arguments, const auto& peer, const auto& reply) {
        all->unblock(arguments, peer, reply);
    });
    commands.add("blocks", ControlCommands::Effect::looks, [all](const json::object&) { return all->list(); });
    commands.add("show", ControlCommands::Effect::looks,
                 [all](const json::object& arguments) { return all->show(arguments); });
}

} // namespace smtpauth
