#include "filter/policy/automatic_blocks.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/units.hpp"
#include "proto/ltsv/ltsv.hpp"

namespace smtpauth {

namespace {

using namespace std::chrono_literals;

/// Accounts that are warned about in an hour.
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
        list_.find(mail.auth_id, now) || was_warned(mail.auth_id, now))
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
    const unsigned repeats = list_.repeats(mail.auth_id, now);
    const event::Milliseconds time = doubled(verdict.block, repeats, terms_.longest);
    block.until = now + time;
    if (repeats != 0)
        block.reason += fmt::format("; for {}, as it was blocked {} before", to_text(time),
                                    repeats == 1 ? "once" : fmt::format("{} times", repeats));
    if (list_.automatic_since(now - 1h, now) < terms_.max_per_hour)
        return block;
    if (warned_.size() == max_warned)
        return std::nullopt; // enough was said
    warned_.emplace(mail.auth_id, now);
    block.until = {};
    block.reason += fmt::format("; not blocked: there were {} automatic blocks in the last hour (max_per_hour)",
                                terms_.max_per_hour);
    return block;
}

/// In the last hour: it is not looked at again before that is over, however often it is refused.
bool AutomaticBlocks::was_warned(const std::string& auth_id, event::Time now)
{
    const auto is_over = [now](event::Time time) { return now - time >= 1h || time > now; };
    if (warned_.size() == max_warned)
        std::erase_if(warned_, [&](const auto& entry) { return is_over(entry.second); });
    const auto found = warned_.find(auth_id);
    if (found == warned_.end())
        return false;
    if (!is_over(found->second))
        return true;
    warned_.erase(found);
    return false;
}

} // namespace smtpauth
