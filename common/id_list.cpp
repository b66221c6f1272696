#include "common/id_list.hpp"

#include <algorithm>
#include <bit>
#include <functional>

namespace smtpauth {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr char separator = '\n';

std::string_view trimmed(std::string_view line)
{
    constexpr std::string_view blanks = " \t\r";
    const auto first = line.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

template <class Use>
void for_each_id(std::string_view text, Use use)
{
    if (text.starts_with(byte_order_mark))
        text.remove_prefix(byte_order_mark.size());
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const std::string_view id = trimmed(text.substr(0, end));
        if (!id.empty() && id.front() != '#')
            use(id);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

} // namespace

std::string IdNormalizer::operator()(std::string_view id) const
{
    if (const auto at = id.rfind('@'); strip_domain && at != std::string_view::npos && at > 0)
        id = id.substr(0, at);
    std::string normal(id);
    if (lowercase)
        for (char& c : normal)
            if (c >= 'A' && c <= 'Z')
                c = static_cast<char>(c - 'A' + 'a');
    return normal;
}

IdList IdList::parse(std::string_view text, const IdNormalizer& normalizer)
{
    std::size_t ids = 0;
    std::size_t bytes = 1;
    for_each_id(text, [&](std::string_view id) {
        ++ids;
        bytes += id.size() + 1;
    });

    IdList list;
    if (ids == 0)
        return list;
    // At most two thirds full, so that a probe ends soon.
    list.slots_.resize(std::bit_ceil(ids + ids / 2 + 1));
    list.arena_.reserve(bytes);
    list.arena_ += separator;
    for_each_id(text, [&](std::string_view id) { list.insert(normalizer(id)); });
    return list;
}

void IdList::insert(std::string_view id)
{
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = std::hash<std::string_view>{}(id)&mask;
    for (; slots_[slot] != 0; slot = (slot + 1) & mask)
        if (matches(slots_[slot], id))
            return;
    slots_[slot] = static_cast<std::uint32_t>(arena_.size());
    arena_.append(id) += separator;
    ++size_;
}

bool IdList::contains(std::string_view id) const
{
    // A newline could make one id look like two neighbours in the arena.
    if (slots_.empty() || id.empty() || id.find(separator) != std::string_view::npos)
        return false;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t slot = std::hash<std::string_view>{}(id)&mask; slots_[slot] != 0; slot = (slot + 1) & mask)
        if (matches(slots_[slot], id))
            return true;
    return false;
}

bool IdList::matches(std::uint32_t offset, std::string_view id) const
{
    return arena_.size() - offset > id.size() && arena_.compare(offset, id.size(), id) == 0 &&
           arena_[offset + id.size()] == separator;
}

std::size_t IdList::size_bytes() const
{
    return arena_.capacity() + slots_.capacity() * sizeof(slots_[0]);
}

} // namespace smtpauth
