// A set of account ids, as in the reject list: built once from text, then only asked. Knows neither
// where the text came from (watched_id_list.hpp) nor what the list is for.
//
//     # a comment
//     spammer
//     someone@example.org
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smtpauth {

/// How an id is written before it is compared: setting auth_id_normalize.
struct IdNormalizer {
    bool lowercase = true;     ///< ASCII letters only
    bool strip_domain = false; ///< drops what follows the last '@', unless nothing stands before it

    std::string operator()(std::string_view id) const;
    bool operator==(const IdNormalizer&) const = default;
};

/// Immutable; any number of threads may ask. Takes the length of its ids and 4 to 11 bytes more for each.
class IdList {
public:
    IdList() = default;

    /// One id a line, without blanks around it; blank lines and lines that begin with '#' mean nothing.
    /// Lines may end in CR LF; a byte order mark at the start is skipped.
    /// @param text  less than 2^32 bytes.
    static IdList parse(std::string_view text, const IdNormalizer& normalizer);

    /// @param id  normalised as the list was.
    bool contains(std::string_view id) const;

    /// Different ids.
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    /// Memory held, in bytes.
    std::size_t size_bytes() const;

private:
    void insert(std::string_view id);
    bool matches(std::uint32_t offset, std::string_view id) const;

    // The ids, each with a newline before and after it, which no id contains.
    std::string arena_;
    // Offsets into arena_, open addressing with linear probing; 0 is a free slot. The size is a power of two.
    std::vector<std::uint32_t> slots_;
    std::size_t size_ = 0;
};

} // namespace smtpauth
