#include "collector/alert/mail_outcome.hpp"

#include <algorithm>
#include <utility>

namespace smtpauth {

namespace {

bool is_in(const std::vector<std::string>& list, const std::string& address)
{
    return std::find(list.begin(), list.end(), address) != list.end();
}

Outcome::Kind kind_of(SmtpDialogue::Failure failure)
{
    switch (failure) {
    case SmtpDialogue::Failure::none:
    case SmtpDialogue::Failure::mail:
        return Outcome::Kind::notice_failed;
    case SmtpDialogue::Failure::mail_for_good:
        return Outcome::Kind::notice_refused;
    case SmtpDialogue::Failure::server:
        return Outcome::Kind::unreachable;
    }
    return Outcome::Kind::unreachable;
}

} // namespace

Outcome outcome_of(const SmtpDialogue& dialogue, std::vector<std::string> to)
{
    std::vector<std::string> left = to;
    std::erase_if(left, [&](const std::string& address) {
        return is_in(dialogue.accepted(), address) || is_in(dialogue.refused(), address);
    });
    if (!left.empty())
        return {kind_of(dialogue.failure()), dialogue.error(), std::move(left)};
    // A server that wants none of them is more often a mistake than an answer: they are asked again, a few times.
    if (dialogue.accepted().empty())
        return {Outcome::Kind::notice_refused, dialogue.error(), std::move(to)};
    return {Outcome::Kind::delivered, dialogue.error(), {}};
}

std::vector<std::string> still_wanted(const std::vector<std::string>& left, const std::vector<std::string>& settings)
{
    std::vector<std::string> wanted = settings;
    if (!left.empty())
        std::erase_if(wanted, [&](const std::string& address) { return !is_in(left, address); });
    return wanted;
}

} // namespace smtpauth
