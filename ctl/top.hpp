// smtpauthctl top: which accounts sent most, by the logs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/event/record.hpp"

namespace smtpauth {

/// What one account did.
struct AccountSum {
    std::uint64_t messages = 0;   ///< that passed
    std::uint64_t recipients = 0; ///< of those
    std::uint64_t bytes = 0;      ///< of those, as far as is known
    std::uint64_t held = 0;
    std::uint64_t rejects = 0; ///< commands and messages refused, for now or for good
    std::set<std::uint64_t> networks{};
    std::set<std::string> countries{};
    event::Time last{};
};

/// The sums of all accounts; "" is mail without one.
class AccountSums {
public:
    /// Records that are of no mail concern nobody.
    void add(const event::Record& record);

    struct Row {
        std::string_view id;
        const AccountSum* sum;
    };

    /// The accounts with most of something, most first; of equals the first by name.
    /// @param by  a word of measures().
    std::vector<Row> top(std::string_view by, std::size_t count) const;

    std::size_t size() const { return sums_.size(); }

    /// "recipients", "messages", "rejects", "networks", "countries".
    static const std::vector<std::string_view>& measures();

private:
    std::map<std::string, AccountSum, std::less<>> sums_;
};

/// The command; its arguments begin behind its name. @return  the exit status: 1 where a log could not be read.
int run_top(int argc, char** argv);

} // namespace smtpauth
