// Whom an account has written to lately: a table of tags, eight in each word, that used last in the lowest octet. So
// the least recently used goes where a word is full, and about 500 are kept; a stranger is taken for one of them in 3 %
// of cases. Fixed size, plain data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace smtpauth {

class RiskRecipients {
public:
    static constexpr std::size_t words = 64;

    /// @param recipient  a hash, all of whose bits count.
    bool contains(std::uint64_t recipient) const { return place_of(recipient) != tags_in_word; }

    /// Also one that is known: what is used stays.
    void add(std::uint64_t recipient);

    std::array<std::uint64_t, words>& table() { return table_; }
    const std::array<std::uint64_t, words>& table() const { return table_; }

    bool operator==(const RiskRecipients&) const = default;

private:
    static constexpr unsigned tags_in_word = 8;

    unsigned place_of(std::uint64_t recipient) const;

    std::array<std::uint64_t, words> table_{};
};

} // namespace smtpauth
