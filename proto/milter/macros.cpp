#include "proto/milter/macros.hpp"

#include <numeric>

#include "proto/milter/command.hpp"

namespace smtpauth::milter {

namespace {

constexpr std::string_view stage_order = "CHMRTNE";

/// A forgotten set keeps at most this much memory, in octets, for the next one.
constexpr std::size_t kept_capacity = 1024;

std::string_view without_braces(std::string_view name)
{
    if (name.size() >= 2 && name.front() == '{' && name.back() == '}')
        return name.substr(1, name.size() - 2);
    return name;
}

} // namespace

void MacroTable::set(char stage, Bytes pairs)
{
    const std::size_t at = stage_order.find(stage);
    if (at == std::string_view::npos)
        return;
    sets_[at].pairs = pairs;
    sets_[at].fresh = true;
}

void MacroTable::begin(Command stage)
{
    const std::size_t at = stage_order.find(static_cast<char>(stage));
    if (at == std::string_view::npos)
        return;
    if (!sets_[at].fresh)
        sets_[at].pairs.clear();
    sets_[at].fresh = false;
    forget_from(at + 1);
}

void MacroTable::end_message()
{
    forget_from(stage_order.find(static_cast<char>(Command::mail)));
}

void MacroTable::clear()
{
    forget_from(0);
}

std::optional<std::string_view> MacroTable::find(std::string_view name) const
{
    name = without_braces(name);
    for (auto set = sets_.rbegin(); set != sets_.rend(); ++set) {
        const StringList pairs(set->pairs);
        for (auto at = pairs.begin(); at != pairs.end(); ++at) {
            const bool found = without_braces(*at) == name;
            ++at;
            if (found)
                return *at;
        }
    }
    return std::nullopt;
}

std::size_t MacroTable::size_bytes() const
{
    return std::accumulate(sets_.begin(), sets_.end(), std::size_t{0},
                           [](std::size_t sum, const Set& set) { return sum + set.pairs.size(); });
}

void MacroTable::forget_from(std::size_t first)
{
    for (std::size_t at = first; at < sets_.size(); ++at) {
        sets_[at].pairs.clear();
        if (sets_[at].pairs.capacity() > kept_capacity)
            sets_[at].pairs.shrink_to_fit();
        sets_[at].fresh = false;
    }
}

} // namespace smtpauth::milter
