// Refuses mail of the accounts on a list (reject_ids.txt). Knows nothing of files: the list comes loaded.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/id_list.hpp"
#include "filter/policy/check.hpp"

namespace smtpauth {

class RejectListCheck final : public Check {
public:
    static constexpr std::string_view rule = "reject_ids";

    /// Gives the list in force, normalised as the records' auth_id are; never null. Asked at each decision, because a
    /// list may be reloaded while its rule stays.
    using Source = std::function<std::shared_ptr<const IdList>()>;

    /// @param reply  "550 5.7.1 Access denied", as milter::smtp_reply() makes it.
    RejectListCheck(Source ids, std::string reply) : ids_(std::move(ids)), reply_(std::move(reply)) {}

    Verdict at_mail(const event::Record& mail) const override;

    /// Asked again: the account may have been listed while its message was on the way.
    Verdict at_end_of_message(const event::Record& mail) const override;

private:
    Source ids_;
    std::string reply_;
};

} // namespace smtpauth
