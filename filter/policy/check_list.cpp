#include "filter/policy/check_list.hpp"

namespace smtpauth {

template <class Ask>
Verdict CheckList::first_objection(Ask ask) const
{
    Verdict mildest;
    for (const auto& check : checks_) {
        Verdict verdict = ask(*check);
        if (!verdict.passes())
            return verdict;
        if (mildest.action == event::Action::accept)
            mildest = std::move(verdict);
    }
    return mildest;
}

Verdict CheckList::at_mail(const event::Record& mail) const
{
    return first_objection([&](const Check& check) { return check.at_mail(mail); });
}

Verdict CheckList::at_recipient(const event::Record& mail, std::string_view recipient) const
{
    return first_objection([&](const Check& check) { return check.at_recipient(mail, recipient); });
}

Verdict CheckList::at_end_of_message(const event::Record& mail) const
{
    return first_objection([&](const Check& check) { return check.at_end_of_message(mail); });
}

} // namespace smtpauth
