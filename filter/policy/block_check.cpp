#include "filter/policy/block_check.hpp"

#include "proto/milter/reply.hpp"

namespace smtpauth {

namespace {

/// Requested action not taken for policy reasons (RFC 5321, 4.2.3).
constexpr int reject_code = 550;

} // namespace

BlockCheck::BlockCheck(const BlockList& blocks, std::string text)
    : blocks_(blocks),
      reply_(milter::smtp_reply(reject_code, text))
{
}

Verdict BlockCheck::at_recipient(const event::Record& mail, std::string_view /*recipient*/) const
{
    return judge(mail);
}

Verdict BlockCheck::judge(const event::Record& mail) const
{
    if (mail.auth_id.empty() || !blocks_.find(mail.auth_id, mail.eom_time))
        return {};
    return {event::Action::reject, reply_, "block"};
}

} // namespace smtpauth
