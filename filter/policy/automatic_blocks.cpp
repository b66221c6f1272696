#include "filter/policy/automatic_blocks.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/units.hpp"
#include "proto/ltsv/ltsv.hpp"

namespace smtpauth {

namespace {

using namespace std::chrono_literals;

/// Accounts that are remembered as warned about: beyond, they are warned about again.
constexpr std::size_t max_warned = 10'000;

event::Milliseconds doubled(event::Milliseconds time, unsigned times, event::Milliseconds longest)
{
    for (; times != 0 && time < longest; --times)
        time *= 2;
    return std::min(time, longest);
}

/// The numbers, and the mail that they were found with.
std::string reason_for(const event::Record& mail, const Verdict& verdict)
{
    std::string reason = verdict.finding.empty() ? verdict.reply : verdict.finding;
    reason += "; last from " + (mail.client_address.empty() ? "an unknown client" : mail.client_address);
    if (!mail.country.empty())
        reason += "/" + mail.country;
    return reason;
}

} // namespace

std::optional<event::Record> AutomaticBlocks::decide(const event::Record& mail, const Verdict& verdict)
{
    const event::Time now = mail.eom_time;
    if (verdict.block == 0ms || mail.auth_id.empty() || terms_.never.contains(mail.auth_id) ||
        list_.find(mail.auth_id, now))
        return std::nullopt;
    event::Record block;
    block.type = event::RecordType::block;
    block.auth_id = mail.auth_id;
    block.client_address = mail.client_address;
    block.client_port = mail.client_port;
    block.country = mail.country;
    block.asn = mail.asn;
    block.queue_id = mail.queue_id;
    block.eom_time = now;
    block.rule = verdict.rule;
    block.reason = reason_for(mail, verdict);
    const unsigned repeats = list_.repeats(mail.auth_id);
    const event::Milliseconds time = doubled(verdict.block, repeats, terms_.longest);
    block.until = now + time;
    if (repeats != 0)
        block.reason += fmt::format("; for {}, as it was blocked {} before", to_text(time),
                                    repeats == 1 ? "once" : fmt::format("{} times", repeats));
    if (list_.automatic_since(now - 1h) < terms_.max_per_hour)
        return block;
    if (warned_lately(mail.auth_id, now))
        return std::nullopt;
    block.until = {};
    block.reason += fmt::format("; not blocked: there were {} automatic blocks in the last hour (max_per_hour)",
                                terms_.max_per_hour);
    return block;
}

bool AutomaticBlocks::warned_lately(const std::string& auth_id, event::Time now)
{
    std::erase_if(warned_, [&](const auto& entry) { return now - entry.second >= 1h; });
    return warned_.size() < max_warned && !warned_.emplace(auth_id, now).second;
}

} // namespace smtpauth
