// smtpauthctl explain: which rule, the arithmetic, the mail that made it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/json.hpp"
#include "ctl/explanation.hpp"

namespace smtpauth {

/// All that is said to one question.
struct Answer {
    enum class Kind { nothing, account, message };

    Kind kind = Kind::nothing;
    std::string asked; ///< as it was typed
    std::string id;    ///< the account, normalised
    event::Time since{};
    event::Time until{};
    Findings findings;
    std::optional<Explanation> explanation{};
    std::optional<bool> is_listed{};     ///< on the reject list now; nothing where that cannot be read
    std::vector<Stand> stands{};         ///< of an account, now
    std::vector<json::object> filters{}; ///< what each says of it ("daemon", and what "show" says); none: none answers
    std::optional<LoggedRecord> logged_block{}; ///< what the logs say, where no filter does
};

/// For people. @param most  so many of the mails that counted, the newest.
std::string to_text(const Answer& answer, std::size_t most);

/// For programs: one document. All mails that counted, or the newest `most`.
json::object to_json(const Answer& answer, std::optional<std::size_t> most);

/// The command; its arguments begin behind its name. @return  the exit status: 1 where nothing was found.
int run_explain(int argc, char** argv);

} // namespace smtpauth
