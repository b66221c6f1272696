#include "filter/policy/reject_list.hpp"

namespace smtpauth {

Verdict RejectListCheck::at_mail(const event::Record& mail) const
{
    // No identity, no opinion: this list is about accounts, not about clients.
    if (mail.auth_id.empty() || !ids_()->contains(mail.auth_id))
        return {};
    return {event::Action::reject, reply_, rule};
}

Verdict RejectListCheck::at_end_of_message(const event::Record& mail) const
{
    return at_mail(mail);
}

} // namespace smtpauth
