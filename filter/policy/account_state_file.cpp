// The shards of AccountState as octets: docs/formats/accounts.md
#include <algorithm>
#include <utility>
#include <vector>

#include "filter/policy/account_state.hpp"
#include "proto/varint.hpp"

namespace smtpauth {

namespace {

/// Times that mostly ascend, each as its distance from the one before.
class TimeWriter {
public:
    explicit TimeWriter(std::string& out) : out_(out) {}

    void append(event::Time time)
    {
        const auto now = static_cast<std::uint64_t>(time.time_since_epoch().count());
        append_varint(out_, now - before_); // wraps, and back again when it is read
        before_ = now;
    }

private:
    std::string& out_;
    std::uint64_t before_ = 0;
};

class TimeReader {
public:
    explicit TimeReader(VarintReader& in) : in_(in) {}

    event::Time next()
    {
        before_ += in_.number();
        return event::Time(event::Milliseconds(static_cast<event::Milliseconds::rep>(before_)));
    }

private:
    VarintReader& in_;
    std::uint64_t before_ = 0;
};

void append(std::string& out, const Charge& charge)
{
    for (const std::uint64_t number :
         {charge.messages, charge.recipients, charge.rejected_recipients, charge.new_recipients, charge.bytes})
        append_varint(out, number);
}

Charge read_charge(VarintReader& in)
{
    Charge charge;
    for (std::uint64_t* number :
         {&charge.messages, &charge.recipients, &charge.rejected_recipients, &charge.new_recipients, &charge.bytes})
        *number = in.number();
    return charge;
}

} // namespace

void AccountState::save(std::size_t shard, std::string& out) const
{
    for (const auto& [key, entry] : shards_[shard]) {
        append_text(out, key);
        append_varint(out, entry.account.charges.size());
        TimeWriter charged(out);
        entry.account.charges.for_each([&](event::Time time, const Charge& charge) {
            charged.append(time);
            append(out, charge);
        });
        append_varint(out, entry.account.networks.size());
        TimeWriter seen(out);
        entry.account.networks.for_each([&](NetworkId network, event::Time last) {
            append_varint(out, network);
            seen.append(last);
        });
        append_varint(out, entry.account.recipients.size());
        entry.account.recipients.for_each([&](std::uint64_t recipient) { append_varint(out, recipient); });
        TimeWriter(out).append(entry.used->newest);
    }
}

bool AccountState::load(std::string_view bytes)
{
    VarintReader in(bytes);
    while (!in.at_end()) {
        const std::string key(in.text());
        AccountPast past;
        const event::Milliseconds keep = !key.empty() && static_cast<unsigned char>(key.front()) < scope_count
                                             ? this->keep(Scope{static_cast<unsigned char>(key.front())})
                                             : event::Milliseconds(0);
        TimeReader charged(in);
        for (std::uint64_t left = in.number(); left != 0 && !in.failed(); --left) {
            const event::Time time = charged.next();
            past.charges.add(time, read_charge(in), keep);
        }
        TimeReader seen(in);
        for (std::uint64_t left = in.number(); left != 0 && !in.failed(); --left) {
            const NetworkId network = in.number();
            past.networks.add(network, seen.next(), keep);
        }
        for (std::uint64_t left = in.number(); left != 0 && !in.failed(); --left)
            past.recipients.add(in.number());
        const event::Time newest = TimeReader(in).next();
        if (in.failed() || key.empty())
            return false;
        if (!settings_.recipients)
            past.recipients = {};
        if (keep == event::Milliseconds(0) || (past.charges.empty() && past.recipients.empty()))
            continue;
        Entry& entry = entry_of(key);
        entry.account = std::move(past);
        entry.used->newest = newest;
        count_bytes(key, entry);
    }
    return true;
}

void AccountState::put_in_order()
{
    for (Kind& kind : kinds_)
        kind.by_use.sort([](const Use& a, const Use& b) { return a.newest < b.newest; });
}

} // namespace smtpauth
