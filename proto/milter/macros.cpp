#include "proto/milter/macros.hpp"

#include "proto/milter/command.hpp"

namespace smtpauth::milter {

namespace {

constexpr std::string_view stage_order = "CHMRTNE";

/// What was forgotten leaves at most this much memory, in octets, for what comes.
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
    replace(at, pairs);
    sets_[at].fresh = true;
}

void MacroTable::begin(Command stage)
{
    const std::size_t at = stage_order.find(static_cast<char>(stage));
    if (at == std::string_view::npos)
        return;
    if (!sets_[at].fresh)
        replace(at, {});
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
    std::size_t begin = pairs_.size();
    for (auto set = sets_.rbegin(); set != sets_.rend(); ++set) {
        begin -= set->size;
        const StringList pairs(Bytes(pairs_).substr(begin, set->size));
        for (auto at = pairs.begin(); at != pairs.end(); ++at) {
            const bool found = without_braces(*at) == name;
            ++at;
            if (found)
                return *at;
        }
    }
    return std::nullopt;
}

std::size_t MacroTable::begin_of(std::size_t set) const
{
    std::size_t begin = 0;
    for (std::size_t at = 0; at < set; ++at)
        begin += sets_[at].size;
    return begin;
}

void MacroTable::replace(std::size_t set, Bytes pairs)
{
    pairs_.replace(begin_of(set), sets_[set].size, pairs);
    sets_[set].size = pairs.size();
}

void MacroTable::forget_from(std::size_t first)
{
    pairs_.resize(begin_of(first));
    if (pairs_.capacity() > kept_capacity)
        pairs_.shrink_to_fit();
    for (std::size_t at = first; at < sets_.size(); ++at)
        sets_[at] = {};
}

} // namespace smtpauth::milter
