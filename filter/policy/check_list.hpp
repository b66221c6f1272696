// The checks of a filter in the order in which they are asked. Immutable: a reload builds a new one.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "filter/policy/check.hpp"

namespace smtpauth {

class CheckList {
public:
    CheckList() = default;
    explicit CheckList(std::vector<std::unique_ptr<const Check>> checks) : checks_(std::move(checks)) {}

    /// The first refusal, else the first other objection, else accept.
    Verdict at_mail(const event::Record& mail) const;
    Verdict at_recipient(const event::Record& mail, std::string_view recipient) const;
    Verdict at_end_of_message(const event::Record& mail) const;

private:
    std::vector<std::unique_ptr<const Check>> checks_;

    template <class Ask>
    Verdict first_objection(Ask ask) const;
};

} // namespace smtpauth
