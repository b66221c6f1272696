#include "filter/policy/block_check.hpp"

namespace smtpauth {

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
