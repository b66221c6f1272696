// Mail of an account that is blocked, by whomever: refused at each of its commands that gets an answer.
#pragma once

#include <string>
#include <utility>

#include "filter/policy/block_list.hpp"
#include "filter/policy/check.hpp"

namespace smtpauth {

class BlockCheck final : public Check {
public:
    /// @param blocks  outlives the check.
    /// @param reply  "550 5.7.1 ...", as milter::smtp_reply() makes it.
    BlockCheck(const BlockList& blocks, std::string reply) : blocks_(blocks), reply_(std::move(reply)) {}

    Verdict at_mail(const event::Record& mail) const override { return judge(mail); }
    Verdict at_recipient(const event::Record& mail, std::string_view recipient) const override;
    Verdict at_end_of_message(const event::Record& mail) const override { return judge(mail); }

private:
    Verdict judge(const event::Record& mail) const;

    const BlockList& blocks_;
    std::string reply_;
};

} // namespace smtpauth
